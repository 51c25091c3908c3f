/** What the shipped callback has recorded of a timer. */
import { paginateQuery, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { RECORDED_FIRE_KEYS } from "../../../functions/timers/contract";
import type { TimerKind } from "../../../functions/timers/schedule/timer";

const fireSchema = z.object({
  fireId: z.string(),
  /** ISO 8601 */
  dueAt: z.string(),
  /** ISO 8601, by the callback's clock. */
  firedAt: z.string(),
  /** Milliseconds. */
  lateMs: z.number(),
  /** JSON text. */
  data: z.string(),
});
export type RecordedFire = z.output<typeof fireSchema>;

/** All that is kept of a timer's fires, whichever version of it: seven days. The latest come first. */
export async function recordedFires(
  client: DynamoDBClient,
  { table, kind, id }: { readonly table: string; readonly kind: TimerKind; readonly id: string },
): Promise<readonly RecordedFire[]> {
  const fires: RecordedFire[] = [];
  const query = {
    TableName: table,
    KeyConditionExpression: "#timer = :timer",
    ExpressionAttributeNames: { "#timer": RECORDED_FIRE_KEYS.partition },
    ExpressionAttributeValues: { ":timer": { S: `${kind}#${id}` } },
  };
  for await (const { Items = [] } of paginateQuery({ client }, query))
    fires.push(...Items.map((item) => fireSchema.parse(unmarshall(item))));
  return fires.sort((a, b) => (a.dueAt > b.dueAt ? -1 : 1));
}
