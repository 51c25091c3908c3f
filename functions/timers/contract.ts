/** What the timers module and its functions agree on: names and limits. No SDK, no I/O. */

import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";

/** Callbacks made by `onTimer`. A user's own variables stand beside them. */
export const callbackEnvironment = environmentSchema({
  TIMERS_TABLE: text,
  /** The URL of the queue that fires wait in. */
  FIRES_QUEUE: text,
});
export type CallbackEnvironment = EnvironmentVariables<typeof callbackEnvironment>;

/** The dispatcher. */
export const dispatchEnvironment = environmentSchema({
  ...callbackEnvironment.variables,
  /** Into how many shards new timers are spread. */
  SHARDS: positiveInteger,
});
export type DispatchEnvironment = EnvironmentVariables<typeof dispatchEnvironment>;

/** The REST API. */
export const apiEnvironment = dispatchEnvironment;
export type ApiEnvironment = EnvironmentVariables<typeof apiEnvironment>;

/** The callback that Almanac ships. */
export const recordFireEnvironment = environmentSchema({
  ...callbackEnvironment.variables,
  /** The table that fires are recorded in. */
  RECORDED_FIRES_TABLE: text,
});
export type RecordFireEnvironment = EnvironmentVariables<typeof recordFireEnvironment>;

/** What a user's own variables may not be called. */
export const CALLBACK_VARIABLES: ReadonlySet<string> = new Set(Object.keys(recordFireEnvironment.variables));

/** Keys of the timers table. Rows of timers have the partition key `periodic#<id>` or `oneshot#<id>`. */
export const TIMER_KEYS = { partition: "timer", timeToLive: "ttl" } as const;

/** The table's one index: what the dispatcher has to hand over, by slot and time. */
export const DUE_INDEX = { name: "due", partition: "slot", sort: "order" } as const;

/** Keys of the table that the shipped callback records fires in. */
export const RECORDED_FIRE_KEYS = { partition: "timer", sort: "fireId", timeToLive: "ttl" } as const;

/** What a fire's message tells beside its body, one attribute (a string) each. */
export const MESSAGE_ATTRIBUTES = {
  /** `periodic` or `oneshot` */
  kind: "timerKind",
  id: "timerId",
  version: "timerVersion",
  /** `shard0` */
  shard: "shardId",
  /** When it is to happen: ISO 8601, UTC, with milliseconds. */
  due: "dueAt",
  /** The same however often the fire is delivered. */
  fireId: "fireId",
} as const;

/** What the REST API answers. Browsers ask for each path's OPTIONS besides. */
export const API_ROUTES = [
  { method: "GET", path: "/periodic" },
  { method: "PUT", path: "/periodic/{id}" },
  { method: "GET", path: "/periodic/{id}" },
  { method: "DELETE", path: "/periodic/{id}" },
  { method: "GET", path: "/oneshot" },
  { method: "PUT", path: "/oneshot/{id}" },
  { method: "GET", path: "/oneshot/{id}" },
  { method: "DELETE", path: "/oneshot/{id}" },
  { method: "POST", path: "/batch" },
] as const;
type ApiRoute = (typeof API_ROUTES)[number];

/** One for each: `PUT /periodic/{id}`. */
export type ApiRouteName = ApiRoute extends infer R
  ? R extends ApiRoute
    ? `${R["method"]} ${R["path"]}`
    : never
  : never;

/** How many shards one invocation of the dispatcher works off side by side. Together they want less than its one CPU. */
export const SHARDS_PER_TARGET = 4;

/** 20 EventBridge rules of 5 targets each: a bus has room for 300 rules, and other features want some. */
const MAX_DISPATCH_TARGETS = 100;

/** Invocations of the dispatcher at each tick. Target i of N works off each shard that is i modulo N. */
export function dispatchTargets(shards: number): number {
  return Math.min(Math.ceil(shards / SHARDS_PER_TARGET), MAX_DISPATCH_TARGETS);
}
