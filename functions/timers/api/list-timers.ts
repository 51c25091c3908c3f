/**
 * Lists timers page by page. A list reads the timers of one kind, by prefix; of one-shots that are due next, only those, from the index of
 * due timers. So it costs what it answers: the one-shots that have fired stay in the table for weeks.
 */
import * as z from "zod";

import { keyTextSchema } from "../../shared/aws/dynamodb-limits";
import { errorMessage } from "../../shared/errors";
import { BadRequestError } from "../../shared/handlers/http-errors";
import { fittingItems } from "../../shared/handlers/response-size";
import type { Scope } from "../../shared/handlers/scopes";
import { parseJson } from "../../shared/input";
import { SECOND_MS } from "../../shared/time";
import { TIMER_KEYS, TIMER_PARTITIONS } from "../contract";
import { onceSlot, overdueSlot } from "../schedule/fire-times";
import { MAX_JITTER_SECONDS, type TimerKind } from "../schedule/timer";
import { oldestOf } from "../storage/shard-cursor";
import { partitionOf, rowKey, timerKey } from "../storage/timer-row";
import type { DueRange, ListKey, TimerPartition, TimerTable } from "../storage/timer-table";
import type { ListResponse, TimerResponse } from "./api-types";
import type { ListQuery } from "./route-schemas";
import { timerResponses, type StatusPorts, type Unreadable } from "./timer-responses";

/** A response ends early after this many reads of the table, of which a filter may leave few timers... */
const MAX_READS = 40;

/** ... or at this size of their data: Lambda responses are limited to 6 MB as sent ({@link fittingItems}), pages of the table to 1 MB. */
const LONG_RESPONSE_BYTES = 3_000_000;

/** The earliest Date. */
const FIRST_TIME_MS = -8.64e15;

export interface ListPorts extends StatusPorts {
  readonly table: Pick<TimerTable, "list" | "recordShardCount">;
  /** Configured number of shards. */
  readonly shards: number;
}

/** A row that was read, and how to continue after it. */
interface Found {
  readonly timer: TimerResponse;
  readonly position: Position;
}

/** What is read next: the number of the range, and where in it. */
interface Position {
  readonly range: number;
  readonly after?: ListKey | undefined;
}

type Range = TimerPartition | DueRange;

/** @throws {@link BadRequestError} for a token of another list; DynamoDB's errors */
export async function listTimers(
  kind: TimerKind,
  query: ListQuery,
  ports: ListPorts,
  scope: Pick<Scope, "includes">,
): Promise<ListResponse> {
  const { limit, next } = query;
  const isDueNext = kind === "oneshot" && (query.dueBefore !== undefined || query.state === "scheduled");
  const list = `${kind}${isDueNext ? " due" : ""}`;
  const ranges = isDueNext ? await dueRanges(query, ports) : partitions(kind, query);
  const found: Found[] = [];
  const unreadable: Unreadable[] = [];
  let position: Position = next === undefined ? { range: 0 } : positionOf(next, list, ranges);
  let bytes = 0;
  for (let reads = 0; ; reads++) {
    const range = ranges[position.range];
    if (range === undefined || found.length === limit || reads === MAX_READS || bytes >= LONG_RESPONSE_BYTES) break;
    const current = position.range;
    const page = await ports.table.list(range, limit - found.length, position.after);
    bytes += page.timers.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
    const positions = new Map(page.timers.map(({ id }, index) => [id, { range: current, after: page.keys[index] }]));
    const allowed = page.timers.filter(({ id }) => scope.includes(id));
    const { timers, unreadable: failures } = await timerResponses(allowed, ports, (one) => isWanted(one, query));
    for (const timer of timers) found.push({ timer, position: positions.get(timer.id) ?? position });
    unreadable.push(...page.corrupt.filter(({ id }) => scope.includes(id)), ...failures);
    position = page.next === undefined ? { range: current + 1 } : { range: current, after: page.next };
  }
  const timers = fittingItems(found.map(({ timer }) => timer));
  const resume = timers.length < found.length ? found[timers.length - 1]?.position : position;
  return {
    timers,
    ...(unreadable.length > 0 && {
      unreadable: unreadable.map(({ id, error }) => ({ id, reason: errorMessage(error) })),
    }),
    ...(resume !== undefined && resume.range < ranges.length && { next: tokenOf(resume, list) }),
  };
}

function partitions(kind: TimerKind, { prefix }: ListQuery): readonly TimerPartition[] {
  return Array.from({ length: TIMER_PARTITIONS }, (_, partition) => ({
    kind,
    partition,
    ...(prefix !== undefined && { prefix }),
  }));
}

/** Of one-shots: what is due next, and what a PUT or an outage has left overdue. */
async function dueRanges({ dueBefore = -FIRST_TIME_MS }: ListQuery, ports: ListPorts): Promise<readonly DueRange[]> {
  const count = await ports.table.recordShardCount(ports.shards);
  const shards = Array.from({ length: count }, (_, shard) => `shard${shard}`);
  const now = ports.now();
  const cursors = await ports.cursors.get(new Set(shards), now);
  return shards.flatMap((shard) => {
    // Fires up to the cursor are enqueued, and have fired once due, jitter included.
    const cursor = cursors.get(shard);
    const from = Math.min(now, cursor === undefined ? now : oldestOf(cursor)) - MAX_JITTER_SECONDS * SECOND_MS;
    return [
      { slot: overdueSlot(shard), from: FIRST_TIME_MS, to: dueBefore },
      { slot: onceSlot(shard), from: Math.min(from, dueBefore), to: dueBefore },
    ];
  });
}

function isWanted({ id, state, nextFireAt, callback }: TimerResponse, query: ListQuery): boolean {
  if (!id.startsWith(query.prefix ?? "")) return false;
  if (query.state !== undefined && query.state !== state) return false;
  if (query.callback !== undefined && query.callback !== callback) return false;
  return query.dueBefore === undefined || (nextFireAt !== null && Date.parse(nextFireAt) < query.dueBefore);
}

/** An opaque continuation token. */
function tokenOf({ range, after }: Position, list: string): string {
  return Buffer.from(JSON.stringify({ list, range, after })).toString("base64url");
}

/** DynamoDB refuses other keys: an empty or a long one would be a 500. Of any id, also of a row that cannot be read. */
const rowKeySchema = keyTextSchema("sort").regex(/^(periodic|oneshot)#/);

const positionSchema = z.strictObject({
  list: z.string(),
  range: z.int().min(0),
  after: z.strictObject({ sort: rowKeySchema, dueMs: z.int().exactOptional() }).optional(),
});

/** @throws {@link BadRequestError} */
function positionOf(token: string, list: string, ranges: readonly Range[]): Position {
  const invalid = (cause?: unknown) =>
    new BadRequestError("query.next: is not a token from a response of this list", { cause });
  let position: z.output<typeof positionSchema>;
  try {
    position = positionSchema.parse(parseJson(Buffer.from(token, "base64url").toString()));
  } catch (cause) {
    throw invalid(cause);
  }
  const { range: number, after } = position;
  const range = ranges[number];
  if (position.list !== list || range === undefined) throw invalid();
  if (after === undefined) return { range: number };
  if ("slot" in range) {
    // DynamoDB refuses a key outside of the range, whose beginning moves with the time.
    const { dueMs = 0 } = after;
    if (dueMs > range.to) return { range: number + 1 };
    return { range: number, ...(dueMs >= range.from && { after }) };
  }
  const { kind, partition, prefix = "" } = range;
  const isInRange =
    after.sort.startsWith(timerKey(kind, prefix)) &&
    rowKey(after.sort)[TIMER_KEYS.partition]?.S === partitionOf(kind, partition);
  if (!isInRange) throw invalid();
  return { range: number, after };
}
