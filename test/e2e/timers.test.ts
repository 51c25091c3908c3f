import {
  DynamoDBClient,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { systemClock } from "../../functions/shared/clock";
import { mapConcurrently } from "../../functions/shared/concurrency";
import { MESSAGE_ATTRIBUTES } from "../../functions/timers/contract";
import { fireAt, placeOf } from "../../functions/timers/fires";
import { cursorKey, timerTable, type TimerTable } from "../../functions/timers/timer-table";
import type { StoredTimer, Timer } from "../../functions/timers/timer";
import { homeAt } from "../../scripts/local/home";
import { readRunning } from "../../scripts/local/run-record";
import { scheduledEvent } from "../support/lambda";
import { awsConfiguration, eventually, home } from "./support/system";

const outputsSchema = z.looseObject({
  table_name: z.string(),
  recorded_fires_table_name: z.string(),
  fires_queue_url: z.string(),
  dispatch_function_name: z.string(),
});

const recordedSchema = z.object({ timer: z.string(), fireId: z.string(), lateMs: z.number(), data: z.string() });
type Recorded = z.output<typeof recordedSchema>;

const SHARD = "shard0";
const CROWD = 6_000;

describe("timers, deployed", () => {
  let aws: ReturnType<typeof awsConfiguration>;
  let outputs: z.output<typeof outputsSchema>;
  let dynamodb: DynamoDBClient;
  let table: TimerTable;

  beforeAll(async () => {
    const running = await readRunning(homeAt(home));
    if (running === undefined) throw new Error("npm start has left nothing running");
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["timers"]);
    dynamodb = new DynamoDBClient(aws);
    table = timerTable(dynamodb, outputs.table_name, { clock: systemClock, random: Math.random });
  });

  /** A one-shot as it stands in the table long after it was put: the dispatcher's alone. */
  function oneshot(id: string, at: number): StoredTimer {
    const putAt = Date.now() - 1_000;
    const schedule = { kind: "once", at } as const;
    const data = '{"all":"the same"}';
    return {
      kind: "oneshot",
      id,
      shard: SHARD,
      version: `v-${id}`,
      schedule,
      data,
      enabled: true,
      putAt,
      through: putAt,
    };
  }

  /** As if the dispatcher had not run since. */
  async function cursorBackTo(at: number): Promise<void> {
    await table.ensureCursor(SHARD, at);
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: outputs.table_name,
        Key: { timer: { S: cursorKey(SHARD) } },
        UpdateExpression: "SET #cursor = :at REMOVE leaseOwner, leaseUntil, #position",
        ExpressionAttributeNames: { "#cursor": "cursor", "#position": "position" },
        ExpressionAttributeValues: { ":at": { N: String(at) } },
      }),
    );
  }

  async function recorded(prefix: string): Promise<readonly Recorded[]> {
    const found: Recorded[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const { Items = [], LastEvaluatedKey }: ScanCommandOutput = await dynamodb.send(
        new ScanCommand({
          TableName: outputs.recorded_fires_table_name,
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      found.push(...Items.map((item) => recordedSchema.parse(unmarshall(item))));
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return found.filter(({ timer }) => timer.startsWith(`oneshot#${prefix}`));
  }

  /** Puts a fire's message into the queue, so often. */
  async function deliver(timer: Timer, at: number, times: number): Promise<void> {
    const { kind, id, version, shard, due, fireId, data } = fireAt(timer, at);
    const told = { kind, id, version, shard, due: new Date(due).toISOString(), fireId };
    const MessageAttributes = Object.fromEntries(
      Object.entries(told).map(([name, StringValue]) => [
        MESSAGE_ATTRIBUTES[name as keyof typeof told],
        { DataType: "String", StringValue },
      ]),
    );
    await new SQSClient(aws).send(
      new SendMessageBatchCommand({
        QueueUrl: outputs.fires_queue_url,
        Entries: Array.from({ length: times }, (_, copy) => ({
          Id: String(copy),
          MessageBody: data,
          MessageAttributes,
        })),
      }),
    );
  }

  it("fire all 6,000 that are due in one minute, each once, none early; even where a dispatcher died over them", async () => {
    const begin = Date.now();
    const due = Math.ceil(begin / 60_000) * 60_000 + 60_000;
    const timers = Array.from({ length: CROWD }, (_, index) => oneshot(`crowd-${index}`, due - (index % 60) * 1_000));
    await mapConcurrently(timers, 50, (timer) => table.put(timer, placeOf(timer)));
    // A run that took the lease, sent something, and died: its position is kept, its lease ends by itself.
    await cursorBackTo(due - 60_000);
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: outputs.table_name,
        Key: { timer: { S: cursorKey(SHARD) } },
        UpdateExpression: "SET leaseOwner = :dead, leaseUntil = :until",
        ExpressionAttributeValues: { ":dead": { S: "dead" }, ":until": { N: String(Date.now() + 2_000) } },
      }),
    );
    const busy = await new LambdaClient(aws).send(
      new InvokeCommand({
        FunctionName: outputs.dispatch_function_name,
        Payload: Buffer.from(JSON.stringify(scheduledEvent({ target: 0, targets: 2 }))),
      }),
    );
    expect(busy.FunctionError).toBeUndefined();

    const fires = await eventually(
      () => recorded("crowd-"),
      ({ length }) => length >= CROWD,
      300_000,
    );
    expect(new Set(fires.map(({ timer }) => timer)).size).toBe(CROWD);
    expect(fires).toHaveLength(CROWD);
    expect(fires.filter(({ lateMs }) => lateMs < 0)).toEqual([]);
  }, 400_000);

  it("bear a fire that is delivered again, and drop those of timers that are replaced or gone", async () => {
    const now = Date.now();
    const [kept, replaced, gone] = ["kept", "replaced", "gone"].map((id) => oneshot(`again-${id}`, now));
    if (!kept || !replaced || !gone) throw new Error("three of them");
    await table.put(kept, undefined);
    await table.put({ ...replaced, version: "newer" }, undefined);
    for (const timer of [gone, replaced, kept]) await deliver(timer, now, 3);
    await eventually(
      () => recorded("again-"),
      ({ length }) => length > 0,
      30_000,
    );
    await new Promise((wait) => setTimeout(wait, 3_000));
    expect((await recorded("again-")).map(({ timer }) => timer)).toEqual(["oneshot#again-kept"]);
  }, 60_000);
});
