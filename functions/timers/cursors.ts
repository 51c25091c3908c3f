/** How far the dispatcher is, for whoever wants to know what has fired. */
import { BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { TIMER_KEYS } from "./contract";
import { cursorKey } from "./timer-table";

export interface Cursors {
  /** Until when each of these shards (100 at most) was handed over, as far as it matters now; epoch milliseconds. */
  of(shards: ReadonlySet<string>, now: number): Promise<ReadonlyMap<string, number>>;
}

/** A cursor that is ahead of now need not be read again: it only ever advances. */
export function cursorReader(dynamodb: DynamoDBClient, table: string): Cursors {
  const known = new Map<string, number>();
  return {
    of: async (shards, now) => {
      const wanted = [...shards].filter((shard) => (known.get(shard) ?? -Infinity) < now);
      if (wanted.length > 0) {
        const { Responses } = await dynamodb.send(
          new BatchGetItemCommand({
            RequestItems: {
              [table]: { Keys: wanted.map((shard) => ({ [TIMER_KEYS.partition]: { S: cursorKey(shard) } })) },
            },
          }),
        );
        for (const row of Responses?.[table] ?? []) {
          const shard = row[TIMER_KEYS.partition]?.S?.replace(cursorKey(""), "") ?? "";
          known.set(shard, Number(row["cursor"]?.N ?? 0));
        }
      }
      return known;
    },
  };
}
