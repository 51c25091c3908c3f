/** Request bodies before they are validated. Pure. */
import { BadRequestError } from "../../shared/handlers/http-errors";
import { jsonParts, RawJson } from "../../shared/json-text";

/** Fields of a response that a request may repeat: a timer that was read can be put back. */
const READ_ONLY = new Set([
  "id",
  "timeShardId",
  "schedule",
  "firesLeft",
  "version",
  "putAt",
  "state",
  "nextFireAt",
  "recorded",
  "lastFiredAt",
  "lastOutcome",
  "attempts",
  "latenessMs",
]);

const SCHEDULE_FIELDS = ["minuteOfHour", "secondOfMinute", "every", "cron", "timeZone", "at", "delaySeconds"];

/**
 * Accepts what GET responds: `schedule` stands for its fields, unless the body has some of its own.
 *
 * @throws {@link BadRequestError} for the id of another timer
 */
export function withoutReadOnlyFields(body: unknown, id: string): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const fields = Object.entries(body);
  const { id: given, schedule } = { id, schedule: undefined, ...body } as Readonly<Record<string, unknown>>;
  if (given !== id) throw new BadRequestError("body.id: is not the id in the path");
  const hasSchedule = fields.some(([name]) => SCHEDULE_FIELDS.includes(name));
  const isFields = typeof schedule === "object" && schedule !== null && !Array.isArray(schedule);
  // Otherwise a timer whose schedule is put in another form would be hourly.
  if (schedule !== undefined && !isFields)
    throw new BadRequestError('body.schedule: is not an object such as {"every": "15 minutes"}');
  return Object.fromEntries([
    ...(isFields && !hasSchedule ? Object.entries(schedule) : []),
    ...fields.filter(([name]) => !READ_ONLY.has(name)),
  ]);
}

/** `timerCallbackData` as it was sent: JSON.parse rounds numbers. */
export function withRawData(body: unknown, text: string): unknown {
  if (typeof body !== "object" || body === null || !("timerCallbackData" in body)) return body;
  const raw = jsonParts(text)?.get("timerCallbackData");
  return raw === undefined ? body : { ...body, timerCallbackData: new RawJson(raw) };
}
