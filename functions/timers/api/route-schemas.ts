/** Schemas of requests, route by route. */
import * as z from "zod";

import { isObject } from "../../shared/errors";
import { parameters } from "../../shared/handlers/parameters";
import { DAY_SECONDS, MINUTE_SECONDS } from "../../shared/time";
import { CALLBACK_NAME } from "../contract";
import { TIMER_STATES } from "./api-types";
import { idSchema, MAX_VERSION_CHARACTERS, oneshotBodySchema, periodicBodySchema, timeSchema } from "./request-schemas";

/** How long the history keeps fires. */
const HISTORY_SECONDS = 7 * DAY_SECONDS;

const MAX_REQUESTS = 25;
const MAX_TIMERS = 1_000;

const path = z.object({ id: idSchema });
const versionSchema = z.string("is not a string").max(MAX_VERSION_CHARACTERS, "is not a version");
const prefixSchema = z.string("is not a string").regex(/^[A-Za-z0-9._:-]{0,256}$/, "is not the beginning of an id");
/** Also one that is not configured any more. */
const callbackSchema = z.string("is not a string").regex(CALLBACK_NAME, "is not the name of a callback");
/** Chosen by the client, one for each change that it wants: a UUID. */
const requestKeySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/, "is not 1 to 255 ASCII characters without spaces");
const count = (most: number, fallback: number, unit = "") =>
  z
    .string()
    .regex(/^\d{1,9}$/, "is not a whole number")
    .transform(Number)
    .refine((number) => number >= 1 && number <= most, `is not 1 to ${most}${unit}`)
    .default(fallback);

export const listSchema = z.object({
  query: parameters({
    limit: count(MAX_TIMERS, 100),
    next: z.string().optional(),
    prefix: prefixSchema.optional(),
    state: z.enum(TIMER_STATES, `is not ${TIMER_STATES.join(", ")}`).optional(),
    dueBefore: timeSchema.optional(),
    callback: callbackSchema.optional(),
  }),
});
export type ListQuery = z.output<typeof listSchema>["query"];

export const pathSchema = z.object({ path });

export const getSchema = z.object({ path, query: parameters({}) });

export const deleteSchema = z.object({ path, query: parameters({ ifVersion: versionSchema.optional() }) });

/** A condition in the wrong place would be ignored, and a version overwritten that the client has not read. */
const noQuery = z.strictObject({}, "has no parameters: conditions such as ifVersion are fields of the body");

export const putSchema = z.object({
  path,
  query: noQuery,
  headers: z.object({ "idempotency-key": requestKeySchema.optional() }),
  body: z.unknown(),
  text: z.string(),
  deadline: z.number(),
});

export const firesSchema = z.object({
  query: parameters({ limit: count(1_000, 100), next: z.string().optional() }),
});
export const previewSchema = z.object({ query: parameters({ count: count(100, 10) }) });
export const auditSchema = z.object({
  query: parameters({
    sinceSeconds: count(HISTORY_SECONDS, DAY_SECONDS, " seconds"),
    lateSeconds: count(HISTORY_SECONDS, MINUTE_SECONDS, " seconds"),
  }),
});

/** Each verb has parameters of its own. */
export const readSchema = z.object({
  path: z.object({ id: idSchema, verb: z.enum(["fires", "preview", "audit"], "is not fires, preview or audit") }),
  query: z.unknown(),
});

export const verbSchema = putSchema.extend({
  path: z.object({
    id: idSchema,
    verb: z.enum(["fire", "pause", "resume", "preview"], "is not fire, pause, resume or preview"),
  }),
  query: z.unknown(),
});

/** Of pause and resume. */
export const emptySchema = z.object({
  query: parameters({}),
  body: z.strictObject({}, "has no fields: pause and resume have no conditions").default({}),
});

export const fireSchema = z.object({
  query: parameters({}),
  body: z
    .strictObject(
      { fireId: z.string("is not a fire id").max(1_000, "is not a fire id").optional() },
      "is not of the form {fireId}",
    )
    .default({}),
});

const VERBS_MESSAGE = 'is not of the form {"verb": "pause", "prefix": "report-"}';
const page = { prefix: prefixSchema, next: z.string("is not a string").optional() };

export const verbsSchema = z.object({
  body: z.discriminatedUnion(
    "verb",
    [
      z.strictObject({ verb: z.enum(["pause", "resume"]), ...page }, VERBS_MESSAGE),
      z.strictObject(
        { verb: z.literal("move"), from: callbackSchema, to: callbackSchema, ...page },
        'is not of the form {"verb": "move", "from": "billing", "to": "invoices", "prefix": "report-"}',
      ),
    ],
    { error: ({ input }) => (isObject(input) ? "is not pause, resume or move" : VERBS_MESSAGE) },
  ),
  query: noQuery,
  deadline: z.number(),
});

export const periodicRequestSchema = z.object({ body: periodicBodySchema });
export const oneshotRequestSchema = z.object({ body: oneshotBodySchema });

export const batchRequestSchema = z
  .strictObject(
    {
      method: z.enum(["PUT", "DELETE"], "is not PUT or DELETE"),
      path: z.string("is not a string"),
      body: z.unknown().optional(),
      idempotencyKey: requestKeySchema.optional(),
      ifVersion: versionSchema.optional(),
    },
    'is not of the form {"method": "PUT", "path": "/periodic/<id>", "body": {...}}',
  )
  .superRefine(({ method, body, ifVersion }, context) => {
    const reject = (field: string, message: string): void => {
      context.addIssue({ code: "custom", path: [field], message });
    };
    if (method === "PUT" && ifVersion !== undefined)
      reject("ifVersion", "is only for DELETE: a PUT has it in its body");
    if (method === "DELETE" && body !== undefined)
      reject("body", "is only for PUT: a DELETE has ifVersion beside its path");
  })
  .transform(({ path, ...request }, context) => {
    const [, name, id] = /^\/(\w+)\/([^/]+)$/.exec(path) ?? [];
    const kind = z.enum(["periodic", "oneshot"]).safeParse(name).data;
    // The body has the path as a URL has it. Decoded here, so that duplicates are found however they are written.
    if (kind !== undefined && id !== undefined) return { ...request, kind, id: decodeOrKeep(id) };
    context.addIssue({ code: "custom", path: ["path"], message: "is not /periodic/<id> or /oneshot/<id>" });
    return z.NEVER;
  });

export const batchSchema = putSchema.omit({ path: true }).extend({
  body: z.strictObject(
    {
      requests: z
        .array(z.unknown(), "is not an array")
        .min(1, `is not 1 to ${MAX_REQUESTS} requests`)
        .max(MAX_REQUESTS, `is not 1 to ${MAX_REQUESTS} requests`),
    },
    'is not of the form {"requests": [{"method": "PUT", "path": "/periodic/<id>", "body": {...}}]}',
  ),
});

/** An id that is not percent-encoded text stays as it is: {@link idSchema} rejects its `%`. */
function decodeOrKeep(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
