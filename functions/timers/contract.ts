/** Names and limits shared by the timers module and its functions. No SDK, no I/O. */
import * as z from "zod";

import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";
import { scopesVariable } from "../shared/handlers/scopes";
import { parseJson } from "../shared/input";

export { scopesSchema } from "../shared/handlers/scopes";

/** Callbacks made by `onTimer`. Users can add variables of their own. */
export const callbackEnvironment = environmentSchema({
  TIMERS_TABLE: text,
  /** URL of the callback's queue of fires. */
  FIRES_QUEUE_URL: text,
  FIRES_DEAD_LETTER_QUEUE_URL: text,
  /** Claims of fires, for `exactlyOnce`, and of timers whose fires do not overlap. */
  CLAIMS_TABLE: text,
  HISTORY_TABLE: text,
  /** `true`: fires are recorded unless their timer says otherwise. */
  HISTORY: z.enum(["true", "false"]),
});
export type CallbackEnvironment = EnvironmentVariables<typeof callbackEnvironment>;

/** The callback of timers that name none. */
export const DEFAULT_CALLBACK = "default";

export const CALLBACK_NAME = /^[a-z][a-z0-9]{0,15}$/;

/** Each callback of the environment, by name. */
export const callbacksSchema = z.record(
  z.string(),
  z.object({
    /** URL of its queue of fires. */
    queueUrl: z.string(),
    /** Whether fires are recorded unless their timer says otherwise. */
    history: z.boolean(),
  }),
);
export type Callbacks = z.output<typeof callbacksSchema>;

/** The dispatcher. */
export const dispatchEnvironment = environmentSchema({
  TIMERS_TABLE: text,
  /** JSON: {@link callbacksSchema} */
  CALLBACKS: text.transform((json) => callbacksSchema.parse(parseJson(json))),
  /** Number of shards for new timers. */
  SHARDS: positiveInteger,
});
export type DispatchEnvironment = EnvironmentVariables<typeof dispatchEnvironment>;

/** The REST API. */
export const apiEnvironment = environmentSchema({
  ...dispatchEnvironment.variables,
  HISTORY_TABLE: text,
  SCOPES: scopesVariable.optional(),
});
export type ApiEnvironment = EnvironmentVariables<typeof apiEnvironment>;

/** Reserved names of variables. */
export const CALLBACK_VARIABLES: ReadonlySet<string> = new Set(Object.keys(callbackEnvironment.variables));

/**
 * Keys of the timers table. Sort keys: `periodic#<id>`, `oneshot#<id>`, `cursor#<shard>`, `shard-count#`,
 * `fired#<kind>#<id>#<idempotency key>`. Partitions: `periodic#0` ...
 * `periodic#15`, by a hash of the id, so that a list reads timers of one kind, by prefix; `oneshot#0` ...; `cursor`, `shard-count`, `fired`.
 */
export const TIMER_KEYS = { partition: "partition", sort: "timer", timeToLive: "ttl" } as const;

/** Partitions of the timers of one kind. Each takes 1,000 writes a second, and more once DynamoDB has split it. */
export const TIMER_PARTITIONS = 16;

/** Keys of the table of claims: one for each fire of a callback with `exactlyOnce`, and `running#<timer>` for a timer with `overlap: "skip"`. */
export const CLAIM_KEYS = { partition: "fireId", timeToLive: "ttl" } as const;

/** The index of timers that the dispatcher has yet to enqueue. See docs/decisions/0009. */
export const DUE_INDEX = { name: "due", partition: "slot", sort: "dueMs" } as const;

/** Keys of the history, one item for each fire: `periodic#<id>`, and due time, version and the rest of the fire id. */
export const HISTORY_KEYS = { partition: "timer", sort: "fire", timeToLive: "ttl" } as const;

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
  { method: "POST", path: "/periodic" },
  { method: "PUT", path: "/periodic/{id}" },
  { method: "GET", path: "/periodic/{id}" },
  { method: "DELETE", path: "/periodic/{id}" },
  { method: "GET", path: "/periodic/{id}/{verb}" },
  { method: "POST", path: "/periodic/{id}/{verb}" },
  { method: "GET", path: "/oneshot" },
  { method: "POST", path: "/oneshot" },
  { method: "PUT", path: "/oneshot/{id}" },
  { method: "GET", path: "/oneshot/{id}" },
  { method: "DELETE", path: "/oneshot/{id}" },
  { method: "GET", path: "/oneshot/{id}/{verb}" },
  { method: "POST", path: "/oneshot/{id}/{verb}" },
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
