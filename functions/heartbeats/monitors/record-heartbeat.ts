/** Records what jobs (cron monitors) report: a start, a success, a failure. */
import { createHmac, timingSafeEqual } from "node:crypto";

import { BadRequestError, NotFoundError } from "../../shared/handlers/http-errors";
import type { CronMonitor } from "../contract";
import { dueAfter, MAX_LOG_BYTES, type JobReport } from "./job";
import { monitorKey } from "./policy";
import type { StateTable } from "./state-table";

export interface RecordPorts {
  readonly cronMonitors: () => Promise<readonly CronMonitor[]>;
  readonly table: Pick<StateTable, "recordReport">;
}

export interface RecordedHeartbeat {
  readonly monitor: string;
  readonly event: JobReport["event"];
  readonly receivedAt: string;
  /** A later heartbeat is an incident. */
  readonly expectedBefore?: string;
}

/**
 * Idempotent: the latest report of a kind counts.
 *
 * @throws {@link NotFoundError} for an unknown cron monitor
 */
export async function recordHeartbeat(
  name: string,
  report: JobReport,
  now: number,
  { cronMonitors, table }: RecordPorts,
): Promise<RecordedHeartbeat> {
  const cron = (await cronMonitors()).find((each) => each.name === name);
  if (cron === undefined) throw new NotFoundError("there is no cron monitor with this name");
  await table.recordReport(monitorKey.cron(name), report, now);
  const due = report.event === "success" ? dueAfter(cron, now) : undefined;
  return {
    monitor: name,
    event: report.event,
    receivedAt: new Date(now).toISOString(),
    ...(due !== undefined && { expectedBefore: new Date(due).toISOString() }),
  };
}

const MAX_EXIT_CODE = 255;

/**
 * @param event `start`, `fail`, or the exit code of the run, of which 0 is a success; undefined: a success
 * @param log the end of it is kept
 * @throws {@link BadRequestError}
 */
export function reportOf(event: string | undefined, log: string): JobReport {
  const end = log === "" ? {} : { log: lastBytes(log, MAX_LOG_BYTES) };
  if (event === undefined) return { event: "success", ...end };
  if (event === "start") return { event };
  if (event === "fail") return { event, ...end };
  const exitCode = /^\d{1,3}$/.test(event) ? Number(event) : Infinity;
  if (exitCode > MAX_EXIT_CODE) throw new BadRequestError("path.event: is none of start, fail, and 0 to 255");
  return { event: exitCode === 0 ? "success" : "fail", exitCode, ...end };
}

/** At most `max` bytes of UTF-8, from the end. Never half a character. */
function lastBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  let start = Math.max(0, bytes.length - max);
  // Continuation bytes are 10xxxxxx: the character that they end has begun before.
  while (start > 0 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start).toString();
}

/** A shorter secret could be guessed, and with it the keys of all jobs. */
const MIN_PING_SECRET_CHARACTERS = 32;

class WeakSecretError extends Error {
  override readonly name = "WeakSecretError";
}

/** `nightly-backup.<token>`: a key to report for this job, and for no other. @throws {@link WeakSecretError} */
export function pingKey(name: string, secret: string): string {
  if (secret.length < MIN_PING_SECRET_CHARACTERS)
    throw new WeakSecretError(`the secret of the ping URLs has fewer than ${MIN_PING_SECRET_CHARACTERS} characters`);
  return `${name}.${createHmac("sha256", secret).update(`almanac ping ${name}`).digest("base64url")}`;
}

/** The job of a ping's key. @throws {@link NotFoundError} */
export function jobOfPing(key: string, secret: string): string {
  const [name = ""] = key.split(".");
  const [given, expected] = [Buffer.from(key), Buffer.from(pingKey(name, secret))];
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new NotFoundError("there is no job with this key");
  return name;
}
