/** Names and limits shared by the timers module and its functions. No SDK, no I/O. */
import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";

const commonEnvironment = environmentSchema({
  TIMERS_TABLE: text,
  /** URL of the queue of fires. */
  FIRES_QUEUE_URL: text,
});

/** Callbacks made by `onTimer`. Users can add variables of their own. */
export const callbackEnvironment = environmentSchema({
  ...commonEnvironment.variables,
  /** Claims of fires, for `exactlyOnce`. Empty for the default callback. */
  CLAIMS_TABLE: text.optional(),
});
export type CallbackEnvironment = EnvironmentVariables<typeof callbackEnvironment>;

/** The dispatcher. */
export const dispatchEnvironment = environmentSchema({
  ...commonEnvironment.variables,
  /** Number of shards for new timers. */
  SHARDS: positiveInteger,
});
export type DispatchEnvironment = EnvironmentVariables<typeof dispatchEnvironment>;

/** The REST API. */
export const apiEnvironment = dispatchEnvironment;
export type ApiEnvironment = EnvironmentVariables<typeof apiEnvironment>;

/** The default callback. */
export const recordFireEnvironment = environmentSchema({
  ...callbackEnvironment.variables,
  RECORDED_FIRES_TABLE: text,
});
export type RecordFireEnvironment = EnvironmentVariables<typeof recordFireEnvironment>;

/** Reserved names of variables. */
export const CALLBACK_VARIABLES: ReadonlySet<string> = new Set(Object.keys(recordFireEnvironment.variables));

/**
 * Keys of the timers table. Sort keys: `periodic#<id>`, `oneshot#<id>`, `cursor#<shard>`, `shard-count#`. Partitions: `periodic#0` ...
 * `periodic#15`, by a hash of the id, so that a list reads timers of one kind, by prefix; `oneshot#0` ...; `cursor`, `shard-count`.
 */
export const TIMER_KEYS = { partition: "partition", sort: "timer", timeToLive: "ttl" } as const;

/** Partitions of the timers of one kind. Each takes 1,000 writes a second, and more once DynamoDB has split it. */
export const TIMER_PARTITIONS = 16;

/** Keys of the table of claims: one for each fire of a callback with `exactlyOnce`. */
export const CLAIM_KEYS = { partition: "fireId", timeToLive: "ttl" } as const;

/** The index of timers that the dispatcher has yet to enqueue. See docs/decisions/0009. */
export const DUE_INDEX = { name: "due", partition: "slot", sort: "dueMs" } as const;

/** Keys of the table of the default callback. */
export const RECORDED_FIRE_KEYS = { partition: "timer", sort: "fireId", timeToLive: "ttl" } as const;

/** Message attributes of a fire, all strings. */
export const MESSAGE_ATTRIBUTES = {
  /** `periodic` or `oneshot` */
  kind: "timerKind",
  id: "timerId",
  version: "timerVersion",
  /** `shard0` */
  shard: "shardId",
  /** ISO 8601, UTC, with milliseconds. */
  due: "dueAt",
  /** The same for every delivery. */
  fireId: "fireId",
} as const;

/** Routes of the REST API, except OPTIONS. */
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

/** `PUT /periodic/{id}` */
export type ApiRouteName = ApiRoute extends infer R
  ? R extends ApiRoute
    ? `${R["method"]} ${R["path"]}`
    : never
  : never;

/** Shards that one invocation of the dispatcher processes concurrently, with less than one CPU. */
export const SHARDS_PER_TARGET = 4;

/** 20 EventBridge rules with 5 targets each; a bus is limited to 300 rules. */
const MAX_DISPATCH_TARGETS = 100;

/** Invocations of the dispatcher per tick. Target i of N processes every shard j with j mod N = i. */
export function dispatchTargets(shards: number): number {
  return Math.min(Math.ceil(shards / SHARDS_PER_TARGET), MAX_DISPATCH_TARGETS);
}
