/** The API of timers. */
import * as z from "zod";
import {
  auditSchema as auditedSchema,
  firedSchema,
  firesSchema as firesPageSchema,
  listSchema as timersSchema,
  previewSchema as comingSchema,
  timerSchema,
  verbSchema as changedSchema,
} from "../../../../clients/timers/responses";
import { idSchema, oneshotBodySchema, periodicBodySchema } from "../../../../functions/timers/api/request-schemas";
import {
  auditSchema,
  batchSchema,
  deleteSchema,
  fireSchema,
  firesSchema,
  listSchema,
  previewSchema,
  putSchema,
  verbsSchema,
} from "../../../../functions/timers/api/route-schemas";
import { PUT_ERRORS, SIGNED_ERRORS, type Api, type Operation } from "./document";

const idAnswer = z.string();
const headers = putSchema.shape.headers;

const timer = { 200: { description: "The timer", schema: timerSchema } };
const notFound = { 404: { description: "There is no such timer: its id", schema: idAnswer } };

/** Both kinds have the same routes. */
function operationsOf(kind: "periodic" | "oneshot", body: z.ZodType): Readonly<Record<string, Operation>> {
  const name = kind === "periodic" ? "Periodic" : "Oneshot";
  const path = `/${kind}/{id}`;
  const fires = { 200: { description: "The next fires", schema: comingSchema }, ...notFound };
  return {
    [`GET /${kind}`]: {
      id: `list${name}`,
      summary: "Lists timers page by page",
      query: listSchema.shape.query,
      answers: { 200: { description: "A page", schema: timersSchema } },
    },
    [`POST /${kind}`]: {
      id: `change${name}`,
      summary: "Pauses or resumes timers with a prefix, or moves them to another callback, a hundred in each request",
      body: verbsSchema.shape.body,
      answers: { 200: { description: "The number of timers that have changed, and failures", schema: changedSchema } },
    },
    [`PUT ${path}`]: {
      id: `put${name}`,
      summary: "Creates or replaces a timer. One that asks for what is stored changes nothing",
      headers,
      body,
      answers: {
        200: {
          description:
            "The timer. A body of the fields of the legacy service alone: id, shardId, timeShardId and timerCallbackData",
          schema:
            kind === "periodic"
              ? timerSchema.partial().required({ id: true, shardId: true, timerCallbackData: true })
              : timerSchema,
        },
      },
      errors: PUT_ERRORS,
    },
    [`GET ${path}`]: {
      id: `get${name}`,
      summary: "Reads a timer",
      answers: { ...timer, ...notFound },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    [`DELETE ${path}`]: {
      id: `delete${name}`,
      summary: "Deletes a timer, if it exists. Fires that are queued are fenced",
      query: deleteSchema.shape.query,
      answers: { 200: { description: "Its id", schema: idAnswer } },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    [`GET ${path}/fires`]: {
      id: `fires${name}`,
      summary: "Lists the recorded fires of seven days, the latest first",
      query: firesSchema.shape.query,
      answers: { 200: { description: "A page", schema: firesPageSchema } },
    },
    [`GET ${path}/preview`]: {
      id: `preview${name}`,
      summary: "The next fires of a timer",
      query: previewSchema.shape.query,
      answers: fires,
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    [`GET ${path}/audit`]: {
      id: `audit${name}`,
      summary: "Compares the fires that the schedule expects with those that were recorded",
      query: auditSchema.shape.query,
      answers: { 200: { description: "Expected and observed fires", schema: auditedSchema }, ...notFound },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    [`POST ${path}/preview`]: {
      id: `previewNew${name}`,
      summary: "The next fires of a timer that is not put",
      query: previewSchema.shape.query,
      body,
      answers: { 200: fires[200] },
    },
    [`POST ${path}/fire`]: {
      id: `fire${name}`,
      summary: "Fires a timer now, or one of its fires again",
      headers,
      body: fireSchema.shape.body,
      isBodyRequired: false,
      answers: { 200: { description: "The fire", schema: firedSchema }, ...notFound },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    [`POST ${path}/pause`]: {
      id: `pause${name}`,
      summary: "Pauses a timer until it is resumed",
      answers: { ...timer, ...notFound },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    [`POST ${path}/resume`]: {
      id: `resume${name}`,
      summary: "Resumes a timer",
      answers: { ...timer, ...notFound },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
  };
}

const batchResponse = z.object({ results: z.array(z.object({ status: z.int(), body: z.unknown() })) });

export const TIMERS_API: Api = {
  title: "Almanac timers",
  description: "Fields and policies: docs/timers-client.md. Each callback receives `timerCallbackData` as it was sent.",
  parameters: { id: idSchema },
  schemas: { Timer: timerSchema, PeriodicTimer: periodicBodySchema, OneshotTimer: oneshotBodySchema },
  operations: {
    ...operationsOf("periodic", periodicBodySchema),
    ...operationsOf("oneshot", oneshotBodySchema),
    "POST /batch": {
      id: "batch",
      summary: "Puts and deletes up to 25 timers, each on its own",
      headers,
      body: batchSchema.shape.body,
      answers: { 200: { description: "The results, in the order of the requests", schema: batchResponse } },
    },
  },
};
