/** Reads the dispatcher's cursors. */
import * as z from "zod";

import type { AwsJson } from "../../shared/aws/aws-json";
import { awsHttpError } from "../../shared/aws/aws-errors";
import { sendInBatches } from "../../shared/aws/batches";
import { TooManyRequestsError } from "../../shared/handlers/http-errors";
import { parseJson } from "../../shared/input";
import { TIMER_KEYS } from "../contract";
import type { ShardCursor, ShardCursors } from "./shard-cursor";
import { rowKey, type Row } from "./timer-row";
import { cursorKey, type TimerTableServices } from "./timer-table";

/** BatchGetItem's limit. */
const KEYS_PER_READ = 100;
const CONCURRENT_READS = 4;
const READ_TIMEOUT_MS = 5_000;

const rows = z.array(z.custom<Row>((row) => typeof row === "object" && row !== null));
const responseSchema = z.object({
  Responses: z.record(z.string(), rows).default({}),
  UnprocessedKeys: z.record(z.string(), z.object({ Keys: rows })).default({}),
});

/** JSON text. */
const behindSchema = z.record(z.string(), z.object({ cursor: z.number() }));

/**
 * The cursors of those shards that have one.
 *
 * @throws {@link TooManyRequestsError}, and the DynamoDB client's errors
 */
export async function readCursors(
  dynamodb: AwsJson,
  table: string,
  shards: Iterable<string>,
  { clock, random, deadline = Infinity }: TimerTableServices,
): Promise<ShardCursors> {
  const cursors = new Map<string, ShardCursor>();
  const { items, errors } = await sendInBatches([...shards], {
    batchSize: KEYS_PER_READ,
    concurrency: CONCURRENT_READS,
    deadline: Math.min(deadline, clock.now() + READ_TIMEOUT_MS),
    clock,
    random,
    send: async (batch) => {
      const Keys = batch.map((shard) => rowKey(cursorKey(shard)));
      const input = { RequestItems: { [table]: { Keys, ConsistentRead: true } } };
      const text = await dynamodb.call("DynamoDB_20120810.BatchGetItem", JSON.stringify(input), deadline);
      const { Responses, UnprocessedKeys } = responseSchema.parse(parseJson(text));
      for (const row of Responses[table] ?? []) {
        const cursor = Number(row["cursor"]?.N);
        const behind = row["behind"]?.S;
        if (Number.isFinite(cursor))
          cursors.set(shardOfKey(row), {
            cursor,
            ...(behind !== undefined && { behind: behindSchema.parse(parseJson(behind)) }),
          });
      }
      return (UnprocessedKeys[table]?.Keys ?? []).map(shardOfKey);
    },
  });
  // Without its cursor, a fire that is enqueued would be reported as overdue.
  const [cause] = errors;
  if (items.length > 0)
    throw awsHttpError(cause) ?? new TooManyRequestsError("Too many requests. Try again.", { cause });
  return cursors;
}

function shardOfKey(row: Row): string {
  return row[TIMER_KEYS.sort]?.S?.slice(cursorKey("").length) ?? "";
}
