/** How far the dispatcher is, for whoever wants to know what has fired. */
import { BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { TooManyRequestsError } from "../../shared/handlers/http-errors";
import { TIMER_KEYS } from "../contract";
import { cursorKey } from "../storage/timer-table";

/** BatchGetItem's own limit. */
const KEYS_PER_READ = 100;

export interface Cursors {
  /**
   * Until when each of these shards was handed over, as far as it matters now; epoch milliseconds.
   *
   * @throws {@link TooManyRequestsError}, whatever the table's client throws
   */
  of(shards: ReadonlySet<string>, now: number): Promise<ReadonlyMap<string, number>>;
}

/** A cursor that is ahead of now need not be read again: it only ever advances. */
export function cursorReader(dynamodb: DynamoDBClient, table: string): Cursors {
  const known = new Map<string, number>();

  async function read(shards: readonly string[]): Promise<void> {
    const Keys = shards.map((shard) => ({ [TIMER_KEYS.partition]: { S: cursorKey(shard) } }));
    const { Responses, UnprocessedKeys } = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } }),
    );
    // Taken for none, they would say that what has fired is still to come.
    if (UnprocessedKeys?.[table] !== undefined)
      throw new TooManyRequestsError("Too many requests at this time; try again.");
    for (const row of Responses?.[table] ?? []) {
      const shard = row[TIMER_KEYS.partition]?.S?.replace(cursorKey(""), "") ?? "";
      known.set(shard, Number(row["cursor"]?.N ?? 0));
    }
  }

  return {
    of: async (shards, now) => {
      const wanted = [...shards].filter((shard) => (known.get(shard) ?? -Infinity) < now);
      for (let from = 0; from < wanted.length; from += KEYS_PER_READ)
        await read(wanted.slice(from, from + KEYS_PER_READ));
      return known;
    },
  };
}
