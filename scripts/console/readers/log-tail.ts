/** The latest log lines of all functions, read once for all views, and only while one of them asks. */
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { isAtLeast } from "../../features/logs/describe-event";
import { parseLine, readEvents, type LogEvent } from "../../features/logs/log-events";
import { logGroupsOf } from "../../features/logs/log-groups";
import type { RunView } from "../contract";
import type { Environment } from "./source";

/** Before the first poll. */
const FIRST_MS = 15 * MINUTE_MS;

/** A pause of the viewer's: older lines are not read. */
const KEPT_MS = 60 * MINUTE_MS;
const KEPT_LINES = 20_000;
/** A line may have a megabyte. */
const KEPT_CHARACTERS = 50_000_000;

/** Lines may reach CloudWatch this much later than they were written. */
const INGESTION_MS = 10 * SECOND_MS;

/** FilterLogEvents allows 5 requests a second: a poll is one for each function. */
const POLL_MS = { emulator: SECOND_MS, aws: 10 * SECOND_MS } as const;

export interface LogTail {
  /** Lines of the last hour, or since the first poll, in time order. */
  readonly read: (environment: WithLogs) => Promise<readonly LogEvent[]>;
}

export interface WithLogs extends Pick<Environment, "aws" | "logs" | "name"> {
  readonly state: Pick<Environment["state"], "resources">;
}

/**
 * @param now epoch milliseconds, of the environment's clock
 * @param elapsed milliseconds that pass as they do: the environment's clock may be moved, forward and back
 */
export function logTail(now: () => number, elapsed = () => performance.now()): LogTail {
  let events: readonly LogEvent[] = [];
  let of = "";
  let readUntil = 0;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;
  const poll = async (environment: WithLogs): Promise<void> => {
    const groups = logGroupsOf(environment.name, environment.state);
    const from = readUntil === 0 ? now() - FIRST_MS : Math.max(readUntil - INGESTION_MS, now() - KEPT_MS);
    const started = now();
    const read = await readEvents(environment.logs, groups, { from });
    events = merged(events, read, now() - KEPT_MS);
    readUntil = started;
    readAt = elapsed();
  };
  return {
    read: async (environment) => {
      const settings = JSON.stringify(environment.aws);
      // Its clock was moved back: what was read has not happened.
      const isBack = now() < readUntil;
      if (settings !== of || isBack) [events, readUntil, readAt, of] = [[], 0, -Infinity, settings];
      const pollMs = environment.aws.endpoint === undefined ? POLL_MS.aws : POLL_MS.emulator;
      if (elapsed() - readAt >= pollMs)
        await (reading ??= poll(environment).finally(() => {
          reading = undefined;
        }));
      return events;
    },
  };
}

function merged(before: readonly LogEvent[], read: readonly LogEvent[], since: number): readonly LogEvent[] {
  const known = new Set(before.map(({ key }) => key));
  const fresh = read.filter(({ key }) => !known.has(key));
  if (fresh.length === 0 && (before[0]?.time ?? Infinity) >= since) return before;
  const all = [...before, ...fresh].filter(({ time }) => time >= since).sort((a, b) => a.time - b.time);
  let characters = 0;
  const first = all.findLastIndex(({ message }, index) => {
    characters += message.length;
    return characters > KEPT_CHARACTERS || all.length - index > KEPT_LINES;
  });
  return all.slice(first + 1);
}

/** The invocations that wrote the lines, the latest first. */
export function runsOf(events: readonly LogEvent[]): readonly RunView[] {
  const runs = new Map<string, { at: number; ok: boolean; durationMs?: number; functionName: string }>();
  for (const { time, functionName, message } of events) {
    const requestId = requestIdOf(message);
    if (requestId === undefined) continue;
    const key = `${functionName} ${requestId}`;
    const run = runs.get(key) ?? { at: time, ok: true, functionName };
    const durationMs = durationOf(message);
    runs.set(key, {
      ...run,
      ok: run.ok && !isFailure(message),
      ...(durationMs !== undefined && { durationMs }),
    });
  }
  return [...runs]
    .map(([key, { at, functionName, ...run }]): RunView => ({
      functionName,
      requestId: key.slice(functionName.length + 1),
      at: new Date(at).toISOString(),
      ...run,
    }))
    .sort((a, b) => (a.at > b.at ? -1 : 1));
}

function requestIdOf(message: string): string | undefined {
  const fields = parseLine(message);
  if (fields === undefined) return /RequestId: ([\w-]{36})/.exec(message)?.[1];
  for (const id of [fields["function_request_id"], fields["requestId"], recordOf(fields)["requestId"]])
    if (typeof id === "string" && id !== "") return id;
  return undefined;
}

/** Of Lambda's report, as text or as JSON. */
function durationOf(message: string): number | undefined {
  const fields = parseLine(message);
  const metrics = fields === undefined ? undefined : recordOf(fields)["metrics"];
  if (typeof metrics === "object" && metrics !== null && "durationMs" in metrics) return Number(metrics.durationMs);
  const text = /^REPORT .*?\bDuration: ([\d.]+) ms/.exec(message)?.[1];
  return text === undefined ? undefined : Number(text);
}

function recordOf(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { record } = fields;
  return typeof record === "object" && record !== null ? { ...record } : {};
}

/** An error, or text that is neither a line of ours nor Lambda's own: a crash. */
export function isFailure(message: string): boolean {
  // Of a stack trace, which the emulator logs line by line.
  if (/^\s/.test(message)) return false;
  return isAtLeast("error", message) && !(parseLine(message) !== undefined && "_aws" in (parseLine(message) ?? {}));
}
