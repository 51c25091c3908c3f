/** Reads the lines of many log groups, in time order. */
import { FilterLogEventsCommand, type CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { errorName } from "../../../functions/shared/errors";
import type { LogGroup } from "./log-groups";

/** FilterLogEvents allows 5 requests a second and region, in most regions. */
const CONCURRENCY = 4;

/** CloudWatch's limit. */
const LONGEST_PATTERN = 1_024;

/** Lines may reach CloudWatch this much later than they were written. */
const INGESTION_DELAY_MS = 10_000;

export interface LogEvent {
  /** Epoch milliseconds. */
  readonly time: number;
  /** `timers-dispatch` */
  readonly functionName: string;
  /** One JSON document, or text of Lambda's or of a library. */
  readonly message: string;
  /** Differs between any two lines. */
  readonly key: string;
}

export interface LogQuery {
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  readonly to?: number;
  /** CloudWatch's filter pattern: `"order-17"`. */
  readonly pattern?: string;
}

/** The lines of all groups in time order. A group that does not exist yet has none. */
export async function readEvents(
  client: CloudWatchLogsClient,
  groups: readonly LogGroup[],
  query: LogQuery,
): Promise<readonly LogEvent[]> {
  const events = await mapConcurrently(groups, CONCURRENCY, (group) => readGroup(client, group, query));
  return events.flat().sort((a, b) => a.time - b.time);
}

async function readGroup(
  client: CloudWatchLogsClient,
  { name: logGroupName, functionName }: LogGroup,
  { from: startTime, to: endTime, pattern: filterPattern }: LogQuery,
): Promise<readonly LogEvent[]> {
  const found: LogEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client
      .send(new FilterLogEventsCommand({ logGroupName, startTime, endTime, filterPattern, nextToken }))
      .catch((error: unknown) => {
        if (errorName(error) === "ResourceNotFoundException") return undefined;
        throw error;
      });
    for (const [index, { timestamp: time = 0, message = "", eventId, logStreamName }] of (page?.events ?? []).entries())
      found.push({
        time,
        functionName,
        message: message.trimEnd(),
        key: eventId ?? `${logGroupName} ${logStreamName ?? ""} ${time} ${index} ${message}`,
      });
    nextToken = page?.nextToken;
  } while (nextToken !== undefined);
  return found;
}

/** Fields whose value other lines about the same work have, too: in other functions `messageId` and `executionArn`. */
const CORRELATION_FIELDS = ["function_request_id", "xray_trace_id", "requestId", "messageId", "executionArn"];

/** The ids of a line that other lines of the same invocation, request, message or execution share. */
export function correlationIds(message: string): readonly string[] {
  const plain = /RequestId: ([\w-]{36})/.exec(message)?.[1];
  if (plain !== undefined) return [plain];
  const fields = parseLine(message);
  return CORRELATION_FIELDS.flatMap((name) => {
    const value = fields?.[name];
    return typeof value === "string" && value !== "" ? [value] : [];
  });
}

/** Whether a line names an id, as it is or as JSON has it, and not only one that begins or ends with it. */
export function names(message: string, id: string): boolean {
  return id !== "" && (hasWord(message, id) || hasWord(message, JSON.stringify(id).slice(1, -1)));
}

function hasWord(message: string, id: string): boolean {
  const isPart = (letter: string | undefined) => letter !== undefined && /[\w-]/.test(letter);
  for (let at = message.indexOf(id); at !== -1; at = message.indexOf(id, at + 1))
    if (!isPart(message[at - 1]) && !isPart(message[at + id.length])) return true;
  return false;
}

/** The fields of a structured line; undefined for any other. */
export function parseLine(message: string): Readonly<Record<string, unknown>> | undefined {
  if (!message.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The lines that name an id, and the other lines of the same invocations, requests, messages and executions.
 * @param query.withPatterns false: AWS's filter patterns are not supported, so every line is read
 */
export async function readRelated(
  client: CloudWatchLogsClient,
  groups: readonly LogGroup[],
  id: string,
  { withPatterns, ...query }: Omit<LogQuery, "pattern"> & { readonly withPatterns: boolean },
): Promise<readonly LogEvent[]> {
  const read = async (pattern: string, matches: (message: string) => boolean): Promise<readonly LogEvent[]> => {
    const events = await readEvents(client, groups, { ...query, ...(withPatterns && pattern !== "" && { pattern }) });
    return events.filter(({ message }) => matches(message));
  };
  const named = await read(termOf(id), (message) => names(message, id));
  const ids = [...new Set(named.flatMap(({ message }) => correlationIds(message)))];
  if (ids.length === 0) return named;
  const related = await read(anyOf(ids), (message) => ids.some((each) => message.includes(each)));
  return [...new Map([...named, ...related].map((event) => [event.key, event])).values()].sort(
    (a, b) => a.time - b.time,
  );
}

/** A term that all lines with a text have, and others may have: a pattern can have neither a quote nor all of a long text. Empty: there is none. */
function termOf(text: string): string {
  const [longest = ""] = text.split(/["\\\p{Cc}]+/u).toSorted((a, b) => b.length - a.length);
  const [term = ""] = /^.{0,500}/su.exec(longest) ?? [];
  return term === "" ? "" : `"${term}"`;
}

/** As many of the texts as a pattern has room for. */
function anyOf(texts: readonly string[]): string {
  let pattern = "";
  for (const text of texts) {
    const longer = `${pattern} ?${termOf(text)}`.trimStart();
    if (longer.length <= LONGEST_PATTERN) pattern = longer;
  }
  return pattern;
}

export interface FollowOptions extends LogQuery {
  readonly signal: AbortSignal;
  readonly pollMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

/** Every line once, as it arrives, until the signal is aborted. */
export async function* followEvents(
  client: CloudWatchLogsClient,
  groups: readonly LogGroup[],
  { from, pattern, signal, pollMs, now, sleep }: FollowOptions,
): AsyncGenerator<LogEvent> {
  const seen = new Map<string, number>();
  for (let since = from; !signal.aborted; since = Math.max(from, now() - INGESTION_DELAY_MS - pollMs)) {
    const events = await readEvents(client, groups, { from: since, ...(pattern !== undefined && { pattern }) });
    for (const event of events) {
      if (seen.has(event.key)) continue;
      seen.set(event.key, event.time);
      yield event;
    }
    for (const [key, time] of seen) if (time < since) seen.delete(key);
    await sleep(pollMs);
  }
}
