/** Timers of the deployed system: their rows, and their recorded fires. */
import {
  ScanCommand,
  type AttributeValue,
  type DynamoDBClient,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import type { Schedule } from "../../../functions/timers/schedule/schedule";
import type { StoredTimer } from "../../../functions/timers/schedule/timer";

const recordedSchema = z
  .object({
    timer: z.string(),
    fireId: z.string(),
    version: z.string(),
    dueMs: z.number(),
    firedMs: z.number(),
    outcome: z.string(),
    attempts: z.number(),
  })
  .transform(({ dueMs, firedMs, ...fire }) => ({
    ...fire,
    dueAt: new Date(dueMs).toISOString(),
    lateMs: firedMs - dueMs,
  }));
export type Recorded = z.output<typeof recordedSchema>;

/** @param prefix of the timer's kind and id: `oneshot#crowd-` */
export async function recordedFires(
  dynamodb: DynamoDBClient,
  TableName: string,
  prefix: string,
): Promise<readonly Recorded[]> {
  const fires: Recorded[] = [];
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const { Items = [], LastEvaluatedKey }: ScanCommandOutput = await dynamodb.send(
      new ScanCommand({ TableName, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
    );
    fires.push(...Items.map((item) => recordedSchema.parse(unmarshall(item))));
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return fires.filter(({ timer }) => timer.startsWith(prefix));
}

/** A timer whose fires are all left to the dispatcher. */
export function dispatchedTimer(id: string, schedule: Schedule, shard: string): StoredTimer {
  const putAt = Date.now() - 1_000;
  return {
    kind: schedule.kind === "once" ? "oneshot" : "periodic",
    id,
    shard,
    version: `v-${id}`,
    schedule,
    data: '{"same":"for all timers"}',
    enabled: true,
    putAt,
    enqueuedUntil: putAt,
  };
}
