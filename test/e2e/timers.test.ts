import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { TimersClient } from "../../clients/timers";
import { systemClock } from "../../functions/shared/clock";
import { mapConcurrently } from "../../functions/shared/resilience/concurrency";
import { MESSAGE_ATTRIBUTES } from "../../functions/timers/contract";
import { fireAt, indexKeyOf } from "../../functions/timers/schedule/fire-times";
import { rowKey } from "../../functions/timers/storage/timer-row";
import { cursorKey, timerTable, type TimerTable } from "../../functions/timers/storage/timer-table";
import type { StoredTimer, Timer } from "../../functions/timers/schedule/timer";
import { dispatchInProcess } from "./support/dispatch-process";
import { dispatchedTimer, recordedFires } from "./support/timers";
import { withStatementsOnly } from "./support/roles";
import { sdkJson } from "../support/sdk-json";
import { awsConfiguration, eventually, npmRun, readSystem, startArguments } from "./support/system";

const outputsSchema = z.looseObject({
  table_name: z.string(),
  history_table_name: z.string(),
  fires_queue_url: z.string(),
  api_url: z.url(),
});

const cursorSchema = z.object({
  cursor: z.number(),
  leaseOwner: z.string().optional(),
  leaseUntil: z.number().optional(),
});

const MINUTE = 60_000;
const SHARD = "shard0";
const CROWD = 6_000;

/** Beyond the deployed shard count: only this test dispatches it. */
const OWN_SHARD = "shard2";
const ORPHANS = 600;
/** They pass one after the other, and on a busy machine take a second each: a queue is given up after ten. */
const BATCHES_UNTIL_KILLED = 8;

describe("timers, deployed", () => {
  let aws: ReturnType<typeof awsConfiguration>;
  let outputs: z.output<typeof outputsSchema>;
  let dynamodb: DynamoDBClient;
  let table: TimerTable;
  let timers: TimersClient;

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["timers"]);
    dynamodb = new DynamoDBClient(aws);
    table = timerTable(sdkJson(dynamodb), outputs.table_name, { clock: systemClock, random: Math.random });
    timers = new TimersClient({ url: outputs.api_url, ...aws });
  });

  const oneshot = (id: string, at: number, shard = SHARD): StoredTimer =>
    dispatchedTimer(id, { kind: "once", at }, shard);

  /** Simulates that the dispatcher has not run since. */
  async function resetCursor(at: number, shard = SHARD): Promise<void> {
    await table.ensureCursor(shard, at);
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: outputs.table_name,
        Key: rowKey(cursorKey(shard)),
        UpdateExpression: "SET #cursor = :at REMOVE leaseOwner, leaseUntil, #position",
        ExpressionAttributeNames: { "#cursor": "cursor", "#position": "position" },
        ExpressionAttributeValues: { ":at": { N: String(at) } },
      }),
    );
  }

  async function cursorOf(shard: string) {
    const Key = rowKey(cursorKey(shard));
    const { Item = {} } = await dynamodb.send(new GetItemCommand({ TableName: outputs.table_name, Key }));
    return cursorSchema.parse(unmarshall(Item));
  }

  /** @param prefix of the timer's kind and id: `oneshot#crowd-` */
  const recorded = (prefix: string) => recordedFires(dynamodb, outputs.history_table_name, prefix);

  /** Sends a fire's message this many times. */
  async function deliver(timer: Timer, at: number, times: number): Promise<void> {
    const { kind, id, version, shard, due, fireId, data } = fireAt(timer, at);
    const attributes = { kind, id, version, shard, due: new Date(due).toISOString(), fireId };
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [
        MESSAGE_ATTRIBUTES[name as keyof typeof attributes],
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

  it("fire all 6,000 that are due in one minute, each once, none early", async () => {
    const due = Math.ceil(Date.now() / MINUTE) * MINUTE + MINUTE;
    const crowd = Array.from({ length: CROWD }, (_, index) => oneshot(`crowd-${index}`, due - (index % 60) * 1_000));
    await mapConcurrently(crowd, 50, (timer) => table.put(timer, indexKeyOf(timer)));
    await resetCursor(due - MINUTE);

    const fires = await eventually(
      () => recorded("oneshot#crowd-"),
      ({ length }) => length >= CROWD,
    );
    expect(new Set(fires.map(({ timer }) => timer)).size).toBe(CROWD);
    expect(fires).toHaveLength(CROWD);
    expect(fires.filter(({ lateMs }) => lateMs < 0)).toEqual([]);
  });

  it("record a redelivered fire once, and fence fires of replaced and deleted timers", async () => {
    const now = Date.now();
    const [live, replaced, deleted] = ["live", "replaced", "deleted"].map((id) => oneshot(`again-${id}`, now));
    if (!live || !replaced || !deleted) throw new Error("three timers");
    await table.put(live, undefined);
    await table.put({ ...replaced, version: "newer" }, undefined);
    for (const timer of [deleted, replaced, live]) await deliver(timer, now, 3);
    await eventually(
      () => recorded("oneshot#again-"),
      ({ length }) => length > 0,
    );
    await new Promise((wait) => setTimeout(wait, 3_000));
    expect((await recorded("oneshot#again-")).map(({ timer }) => timer)).toEqual(["oneshot#again-live"]);
  });

  it("delay the callback of a fire delivered before its due time", async () => {
    const due = Math.ceil(Date.now() / 1_000) * 1_000 + 8_000;
    const early = oneshot("early", due);
    await table.put(early, undefined);
    await deliver(early, due, 1);
    const fires = await eventually(
      () => recorded("oneshot#early"),
      ({ length }) => length > 0,
    );
    expect(fires.map(({ lateMs }) => lateMs >= 0)).toEqual([true]);
  });

  it("lose nothing put while the queue is unavailable: the dispatcher enqueues it", async () => {
    await withStatementsOnly(
      aws,
      "almanac-local-timers-api",
      (sid) => sid !== "Callbacks",
      async () => {
        await timers.oneshot.put("stranded", { delaySeconds: 1 });
      },
    );
    await eventually(
      () => recorded("oneshot#stranded"),
      ({ length }) => length > 0,
    );
  });

  it("lose nothing when the dispatcher is killed during a run: the next run completes it", async () => {
    const begin = Date.now();
    const due = begin + 25_000;
    // All in the first window after the cursor, else the run advances the cursor before it is killed.
    const cursor = Math.floor(due / MINUTE) * MINUTE;
    const ids = Array.from({ length: ORPHANS }, (_, index) => `orphan-${index}`);
    const orphans = ids.map((id, index) => oneshot(id, Math.min(due + index, cursor + MINUTE), OWN_SHARD));
    await mapConcurrently(orphans, 50, (timer) => table.put(timer, indexKeyOf(timer)));
    await resetCursor(cursor, OWN_SHARD);
    const run = {
      endpoint: aws.endpoint,
      environment: {
        TIMERS_TABLE: outputs.table_name,
        CALLBACKS: JSON.stringify({ default: { queueUrl: outputs.fires_queue_url, history: true } }),
        SHARDS: "3",
      },
      event: { target: 2, targets: 3 },
      remainingMs: 30_000,
    };

    const killed = await dispatchInProcess({ ...run, killAtBatch: BATCHES_UNTIL_KILLED });
    expect(killed).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(killed.batches).toBeGreaterThan(0);
    expect(killed.batches).toBeLessThan(ORPHANS / 10);
    const left = await cursorOf(OWN_SHARD);
    expect(left).toMatchObject({ cursor, leaseOwner: expect.any(String) as unknown });

    // The killed run's lease must expire first.
    await new Promise((wait) => setTimeout(wait, (left.leaseUntil ?? 0) - Date.now() + 100));
    expect(await dispatchInProcess(run)).toMatchObject({ code: 0, signal: null });
    // By this run, or by the deployed dispatcher once it knows the new shard.
    await eventually(
      () => cursorOf(OWN_SHARD),
      ({ cursor }) => cursor > due + ORPHANS,
    );
    const fires = await eventually(
      () => recorded("oneshot#orphan-"),
      ({ length }) => length >= ORPHANS,
    );
    expect(fires.map(({ timer }) => timer).sort()).toEqual(ids.map((id) => `oneshot#${id}`).sort());
    expect(fires.filter(({ lateMs }) => lateMs < 0)).toEqual([]);
  });

  it("fire once after a PUT to the API, by the last PUT, and not after a DELETE", async () => {
    // Later than the slowest of the four requests, on a busy machine.
    await timers.oneshot.put("soon-replaced", { delaySeconds: 20, timerCallbackData: "first" });
    await timers.oneshot.put("soon-deleted", { delaySeconds: 20 });
    const { version } = await timers.oneshot.put("soon-replaced", { delaySeconds: 21, timerCallbackData: "second" });
    await timers.oneshot.delete("soon-deleted");
    await eventually(
      () => recorded("oneshot#soon-"),
      ({ length }) => length > 0,
    );
    await new Promise((wait) => setTimeout(wait, 2_000));
    expect(await recorded("oneshot#soon-")).toMatchObject([
      { timer: "oneshot#soon-replaced", version, outcome: "succeeded", attempts: 1 },
    ]);
    expect(await timers.oneshot.get("soon-replaced")).toMatchObject({ lastOutcome: "succeeded", attempts: 1 });
    expect(await npmRun("timers", "fires", "soon-replaced", "--once", ...startArguments)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^\S+Z +\S+Z +\d+ +1 +succeeded$/m) as unknown,
    });
  });
});
