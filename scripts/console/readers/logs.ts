/** Log lines of any function, or about one id. */
import { truncate } from "../../../functions/shared/text";
import { HOUR_MS } from "../../../functions/shared/time";
import { isAtLeast } from "../../features/logs/describe-event";
import { names, parseLine, readRelated, type LogEvent } from "../../features/logs/log-events";
import { chosenGroups, logGroupsOf } from "../../features/logs/log-groups";
import { fieldsOf } from "../../shared/fields";
import { LOG_LEVELS, type LogLine, type LogsView, type Query } from "../contract";
import type { LogTail, WithLogs } from "./log-tail";
import type { Source } from "./source";

/** What a screen can show, and a person can read. */
const LINES = 400;

/** Of a text. A line may have a megabyte; `almanac logs` shows all of it. */
const SHOWN_CHARACTERS = 4_000;
const SHOWN_FIELDS = 50;

/** About one id, this far back. */
const ID_MS = HOUR_MS;

interface LogSource extends Pick<Source, "now"> {
  readonly environment: () => Promise<WithLogs>;
}

/** @param query name: a feature or a function; level: at least this; q: a part of the line; id: lines about it, and related ones */
export async function readLogs(
  source: LogSource,
  tail: LogTail,
  { name, level, q = "", id }: Query,
): Promise<LogsView> {
  const environment = await source.environment();
  const groups = logGroupsOf(environment.name, environment.state);
  const chosen = chosenGroups(groups, name);
  const from = source.now() - ID_MS;
  const withPatterns = environment.aws.endpoint === undefined;
  const events =
    id === undefined || id === ""
      ? await tail.read(environment)
      : await readRelated(environment.logs, chosen, id, { from, withPatterns });
  const functions = new Set(chosen.map(({ functionName }) => functionName));
  const least = LOG_LEVELS.find((each) => each === level);
  const text = q.toLowerCase();
  const lines = events
    .filter(({ functionName, message }) => {
      if (!functions.has(functionName)) return false;
      return (least === undefined || isAtLeast(least, message)) && message.toLowerCase().includes(text);
    })
    .flatMap((event) => lineOf(event) ?? []);
  return {
    lines: lines.slice(-LINES),
    omitted: Math.max(0, lines.length - LINES),
    functions: groups.map(({ functionName, feature }) => ({ name: functionName, feature })),
    since: new Date(events[0]?.time ?? from).toISOString(),
  };
}

/** Fields that every line has, or that are shown in another way. */
const HIDDEN =
  /^(level|message|timestamp|service|environment|cold_start|function_(arn|memory_size|name)|sampling_rate|xray_trace_id)$/;

/** Lambda's own lines about each invocation that succeeded. */
const PLATFORM_LINE = /^(START|END|REPORT|INIT_START|INIT_REPORT|XRAY|EXTENSION) /;

/** Undefined for metrics and Lambda's own lines. */
function lineOf({ key, time, functionName, message }: LogEvent): LogLine | undefined {
  const at = new Date(time).toISOString();
  const fields = parseLine(message);
  if (fields === undefined)
    return PLATFORM_LINE.test(message)
      ? undefined
      : { key, at, functionName, level: "", text: shortened(message), fields: [] };
  if ("_aws" in fields) return undefined;
  const type = textOf(fields["type"]);
  if (type.startsWith("platform.")) {
    const status = textOf(fieldsOf(fields["record"])["status"]);
    if (status === "" || status === "success") return undefined;
    return { key, at, functionName, level: "error", text: `${type} ${status}`, fields: [] };
  }
  const own = Object.entries(fields).filter(([name]) => !HIDDEN.test(name));
  const left = own.length - SHOWN_FIELDS;
  return {
    key,
    at,
    functionName,
    level: levelOf(textOf(fields["level"])),
    text: shortened(textOf(fields["message"])),
    fields: [...own.slice(0, SHOWN_FIELDS), ...(left > 0 ? [["more fields", String(left)] as const] : [])].map(
      ([name, value]) =>
        [shortened(name), shortened(typeof value === "string" ? value : JSON.stringify(value))] as const,
    ),
  };
}

function shortened(text: string): string {
  const shown = truncate(text, SHOWN_CHARACTERS);
  return shown === text ? text : `${shown} (${text.length} characters)`;
}

function levelOf(level: string): LogLine["level"] {
  const own = level.toLowerCase();
  if (own === "critical" || own === "fatal") return "error";
  return LOG_LEVELS.find((each) => each === own) ?? "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Whether lines of the tail are about an id. */
export function hasLines(events: readonly LogEvent[], id: string): boolean {
  return events.some(({ message }) => names(message, id));
}
