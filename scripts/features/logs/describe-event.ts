/** Describes log lines for people. */
import type { Colors, Formatter } from "picocolors/types";
import { isObject } from "../../../functions/shared/errors";
import { fnv1a } from "../../../functions/shared/hash";
import { plainText } from "../../shared/terminal/plain-text";
import { parseLine, type LogEvent } from "./log-events";

/** Fields that every line of a function has, or that the line shows in another way. */
const HIDDEN: ReadonlySet<string> = new Set([
  "level",
  "message",
  "timestamp",
  "service",
  "environment",
  "cold_start",
  "function_arn",
  "function_memory_size",
  "function_name",
  "function_request_id",
  "sampling_rate",
  "xray_trace_id",
]);

/** Lambda's own lines about each invocation. */
const PLATFORM_LINE = /^(START|END|REPORT|INIT_START|INIT_REPORT|XRAY|EXTENSION) /;

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** Text without a level is shown as well, unless it is Lambda's own: a crash is such text. */
export function isAtLeast(level: Level, message: string): boolean {
  const fields = parseLine(message);
  if (fields === undefined) return !PLATFORM_LINE.test(message);
  if (fields["type"] === "platform.report") return hasFailed(fields["record"]);
  const own = textOf(fields["level"]).toLowerCase();
  const rank = own === "critical" || own === "fatal" ? LEVELS.length : LEVELS.findIndex((each) => each === own);
  return rank >= LEVELS.indexOf(level);
}

/** Lambda's report of an invocation: `timeout` and `error` have no line of the function itself. */
function hasFailed(record: unknown): record is { readonly status: string } {
  return isObject(record) && "status" in record && typeof record.status === "string" && record.status !== "success";
}

/**
 * `07:00:01.250  timers-dispatch  INFO  dispatched  shard=shard0`; undefined for metrics and Lambda's own lines.
 * @param width of the column of functions
 */
export function describeEvent(
  { time, functionName, message }: LogEvent,
  width: number,
  colours: Colors,
): string | undefined {
  const fields = parseLine(message);
  if (fields !== undefined && "_aws" in fields) return undefined; // metrics, in CloudWatch's embedded format
  if (fields === undefined && PLATFORM_LINE.test(message)) return undefined;
  const at = colours.dim(new Date(time).toISOString().slice(11, 23));
  const from = colourOf(functionName, colours)(functionName.padEnd(width));
  const type = textOf(fields?.["type"]);
  if (type.startsWith("platform.")) {
    const record = fields?.["record"];
    return hasFailed(record) ? [at, from, colours.red("ERROR"), `${type} ${record.status}`].join("  ") : undefined;
  }
  if (fields === undefined) return `${at}  ${from}  ${plainText(message)}`;
  const level = plainText(textOf(fields["level"]));
  const shown = Object.entries(fields)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, value]) => `${colours.dim(`${plainText(name)}=`)}${describeValue(value)}`);
  return [
    at,
    from,
    colourOfLevel(level, colours)(level.padEnd(5)),
    plainText(textOf(fields["message"])),
    ...shown,
  ].join("  ");
}

/** An error is its name and message: its stack is in `--json`. */
function describeValue(value: unknown): string {
  if (typeof value === "string") return /^[^\s="]+$/.test(value) ? plainText(value) : JSON.stringify(plainText(value));
  if (typeof value === "object" && value !== null && "name" in value && "message" in value)
    return JSON.stringify(plainText(`${String(value.name)}: ${String(value.message)}`));
  return plainText(JSON.stringify(value));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function colourOfLevel(level: string, colours: Colors): Formatter {
  if (level === "ERROR" || level === "CRITICAL") return colours.red;
  return level === "WARN" ? colours.yellow : colours.dim;
}

/** The same colour for the functions of a feature, in every call. */
function colourOf(functionName: string, colours: Colors): Formatter {
  const { cyan, green, magenta, blue, yellow } = colours;
  const palette = [cyan, green, magenta, blue, yellow];
  const [feature = ""] = functionName.split("-", 1);
  return palette[fnv1a(feature) % palette.length] ?? cyan;
}
