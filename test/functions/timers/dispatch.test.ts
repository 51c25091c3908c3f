/** The dispatcher's handler, with fakes behind the SDK clients. */
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
  type BatchGetItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { handler } from "../../../functions/timers/dispatch";
import { rowKey } from "../../../functions/timers/storage/timer-row";
import { sdkJson } from "../../support/sdk-json";
import { lambdaContext, scheduledEvent, setupHandler } from "../../support/lambda";

/** Queries and messages; the rest goes to the mocked client of the SDK. */
const call = jest.fn<Promise<string>, [target: string, body: string]>();
jest.mock("../../../functions/shared/aws/clients/aws-json", () => ({
  createAwsJsonClient: () => ({
    call: (target: string, body: string) =>
      /Query|SendMessage/.test(target) ? call(target, body) : sdkJson().call(target, body),
  }),
}));

/** Its minute begins at 07:02. */
const NOW = Date.parse("2026-11-21T07:00:30Z");
const CURSOR = Date.parse("2026-11-21T07:02:00Z");

const dynamodb = mockClient(DynamoDBClient);

const output = setupHandler("timers", {
  TIMERS_TABLE: "almanac-test-timers",
  CALLBACKS: JSON.stringify({ default: { queueUrl: "https://sqs/fires", history: false } }),
  SHARDS: "4",
});
beforeEach(() => {
  jest.spyOn(Date, "now").mockReturnValue(NOW);
  dynamodb.reset();
  dynamodb.on(GetItemCommand).resolves({ Item: { maxShards: { N: "5" } } });
  dynamodb.on(BatchGetItemCommand).callsFake(({ RequestItems }: BatchGetItemCommandInput) => ({
    Responses: {
      "almanac-test-timers": (RequestItems?.["almanac-test-timers"]?.Keys ?? []).map((key) => ({
        ...key,
        cursor: { N: String(CURSOR) },
      })),
    },
  }));
  dynamodb.on(UpdateItemCommand).resolves({ Attributes: { cursor: { N: String(CURSOR) } } });
  call.mockReset().mockResolvedValue('{"Items":[]}');
});

const tick = (target: number, targets: number) => handler(scheduledEvent({ target, targets }), lambdaContext(55_000));
const shards = () => [
  ...new Set(dynamodb.commandCalls(UpdateItemCommand).map(({ args: [{ input }] }) => input.Key?.["timer"]?.S)),
];
const metric = (name: string) => output.lines().find((line) => name in line)?.[name];

describe("the dispatcher", () => {
  it("reads the shard count at each tick: a PUT may have named a higher shard", async () => {
    dynamodb
      .on(GetItemCommand)
      .rejectsOnce(new Error("slow down"))
      .resolves({ Item: { maxShards: { N: "5" } } });
    await expect(tick(0, 2)).rejects.toThrow("slow down");
    await tick(0, 2);
    await tick(0, 2);
    expect(dynamodb.commandCalls(GetItemCommand)).toHaveLength(3);
  });

  it("processes all shards of its target, up to the largest shard count ever", async () => {
    await tick(0, 2);
    expect(shards()).toEqual(["cursor#shard0", "cursor#shard2", "cursor#shard4"]);
    expect([metric("enqueued"), metric("cursorLag")]).toEqual([0, 0]);
  });

  it("processes the other shards when one fails, and then fails", async () => {
    dynamodb.on(UpdateItemCommand, { Key: rowKey("cursor#shard0") }).rejects(new Error("slow down"));
    await expect(tick(0, 2)).rejects.toThrow("1 failures: see the log");
    expect(shards()).toContain("cursor#shard4");
    expect(output.lines()).toContainEqual(
      expect.objectContaining({ message: "shard failed", shard: "shard0", level: "ERROR" }),
    );
  });

  it("fails when a timer was skipped, and logs it", async () => {
    call.mockResolvedValueOnce('{"Items":[{"timer":{"S":"bells#big"}}]}');
    await expect(tick(1, 5)).rejects.toThrow("1 failures: see the log");
    expect(output.lines()).toContainEqual(expect.objectContaining({ message: "skipped", shard: "shard1" }));
  });

  it("reports the largest lag of its cursors", async () => {
    const lost = { message: "no", $metadata: {}, Item: { cursor: { N: String(NOW - 90_000) } } };
    dynamodb.on(UpdateItemCommand, { Key: rowKey("cursor#shard2") }).rejects(new ConditionalCheckFailedException(lost));
    await tick(0, 2);
    expect(metric("cursorLag")).toBe(90_000);
  });

  it("reports the lag of shards that got no turn", async () => {
    jest.spyOn(Date, "now").mockReturnValue(CURSOR + 70_000);
    await handler(scheduledEvent({ target: 0, targets: 2 }), lambdaContext(5_000));
    expect([shards(), metric("cursorLag")]).toEqual([[], 70_000]);
  });

  it.each([{}, { target: -1, targets: 2 }, { target: 0, targets: 0 }])(
    "does nothing at a tick without a target: %j",
    async (fields) => {
      await expect(handler(scheduledEvent(fields), lambdaContext())).rejects.toThrow(/target/);
      expect(shards()).toEqual([]);
    },
  );
});
