/** Reads the dispatcher's cursors, to separate fired from pending fires. */
import { BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { TooManyRequestsError } from "../../shared/handlers/http-errors";
import { TIMER_KEYS } from "../contract";
import { cursorKey } from "../storage/timer-table";

/** BatchGetItem's limit. */
const KEYS_PER_READ = 100;

export interface CursorReader {
  /**
   * The cursors of these shards, epoch milliseconds. A cursor past `now` may be cached.
   *
   * @throws {@link TooManyRequestsError}, and the DynamoDB client's errors
   */
  get(shards: ReadonlySet<string>, now: number): Promise<ReadonlyMap<string, number>>;
}

/** Caches cursors that are ahead of now: a cursor only advances. */
export function cursorReader(dynamodb: DynamoDBClient, table: string): CursorReader {
  const cache = new Map<string, number>();

  async function read(shards: readonly string[]): Promise<void> {
    const Keys = shards.map((shard) => ({ [TIMER_KEYS.partition]: { S: cursorKey(shard) } }));
    const { Responses, UnprocessedKeys } = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } }),
    );
    // Without its cursor, a fired timer would be reported as pending.
    if (UnprocessedKeys?.[table] !== undefined) throw new TooManyRequestsError("Too many requests. Try again.");
    for (const row of Responses?.[table] ?? []) {
      const shard = row[TIMER_KEYS.partition]?.S?.replace(cursorKey(""), "") ?? "";
      cache.set(shard, Number(row["cursor"]?.N ?? 0));
    }
  }

  return {
    get: async (shards, now) => {
      const missing = [...shards].filter((shard) => (cache.get(shard) ?? -Infinity) < now);
      for (let from = 0; from < missing.length; from += KEYS_PER_READ)
        await read(missing.slice(from, from + KEYS_PER_READ));
      return cache;
    },
  };
}
