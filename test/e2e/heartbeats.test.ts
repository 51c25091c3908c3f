import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { groupBy } from "../../functions/shared/group-by";
import { SOON_EXPIRING_DAYS } from "../support/target-servers";
import { awsConfiguration, eventually, npmRun, readSystem, startArguments } from "./support/system";

const outputsSchema = z.object({
  telemetry_table_name: z.string(),
  check_function_name: z.string(),
  dead_letter_queue_url: z.string(),
  status_page_bucket_name: z.string(),
});

/** The fields used here. */
const statusSchema = z.object({
  monitors: z.array(z.object({ name: z.string(), state: z.string() })),
  incidents: z.array(z.object({ monitor: z.string(), closedAt: z.string().nullable(), message: z.string() })),
});

const rowSchema = z.object({
  utcDate: z.string(),
  utcTime: z.string(),
  target: z.string(),
  latency: z.number(),
  ttl: z.number(),
  event: z.looseObject({
    source: z.string(),
    "detail-type": z.string(),
    time: z.string(),
    resources: z.array(z.string()),
  }),
  outcome: z.looseObject({ ok: z.boolean() }),
});
type Row = z.output<typeof rowSchema>;

/** Each target's outcome. */
const EXPECTED: Readonly<Record<string, object>> = {
  good: { ok: true, status: 200 },
  "too-slow": { ok: false, reason: "timeout" },
  "server-error": { ok: false, reason: "status", status: 500 },
  "redirect-followed": { ok: true, status: 200 },
  zstd: { ok: true, status: 200 },
  "redirect-refused": { ok: false, reason: "status", status: 302 },
  "body-mismatch": { ok: false, reason: "body-mismatch", status: 200 },
  posted: { ok: true, status: 200 },
  secure: { ok: true, status: 200, certificateDaysLeft: 90 },
  expired: { ok: false, reason: "tls" },
  "soon-expiring": { ok: false, reason: "certificate", certificateDaysLeft: SOON_EXPIRING_DAYS },
  reset: { ok: false, reason: "reset" },
  endless: { ok: false, reason: "body-too-large" },
  unresolvable: { ok: false, reason: "dns" },
  refused: { ok: false, reason: "refused" },
  guarded: { ok: false, reason: "secret" },
  moody: { ok: true, status: 200 },
  marked: { ok: false, reason: "status", status: 500 },
  "marked-content": { ok: false, reason: "body-mismatch", status: 500 },
  "marked-redirect": { ok: false, reason: "redirect", status: 302 },
};

describe("heartbeats, deployed", () => {
  let outputs: z.output<typeof outputsSchema>;
  let aws: ReturnType<typeof awsConfiguration>;
  let scheduled: readonly Row[];

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["heartbeats"]);

    const expectedRows = Object.keys(EXPECTED).length;
    const rows = await eventually(
      () => rowsOf("aws.events"),
      ({ length }) => length >= expectedRows,
    );
    const [first] = rows;
    scheduled = rows.filter(({ event }) => event.time === first?.event.time);
  });

  /** The rows of events with this source, of two days around midnight. */
  async function rowsOf(source: string): Promise<Row[]> {
    const dynamodb = new DynamoDBClient(aws);
    const days = [new Date(Date.now() - 600_000), new Date()].map((time) => time.toISOString().slice(0, 10));
    const pages = await Promise.all(
      [...new Set(days)].map((day) =>
        dynamodb.send(
          new QueryCommand({
            TableName: outputs.telemetry_table_name,
            KeyConditionExpression: "utcDate = :day",
            ExpressionAttributeValues: { ":day": { S: day } },
          }),
        ),
      ),
    );
    return pages
      .flatMap(({ Items = [] }) => Items.map((item) => rowSchema.parse(unmarshall(item))))
      .filter(({ event }) => event.source === source);
  }

  it("are taken by the schedule itself", () => {
    for (const { event } of scheduled) {
      expect(event).toMatchObject({ source: "aws.events", "detail-type": "Scheduled Event" });
      expect(event.resources.join()).toMatch(/:rule\/almanac-local-heartbeats-check-schedule$/);
    }
  });

  it("are one row for each target", () => {
    expect(scheduled.map(({ target }) => target).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  // Where this machine is too busy to judge a target, the next run's check counts.
  it.each(Object.entries(EXPECTED))("have the outcome of %s", async (target, outcome) => {
    const [measured] = await eventually(
      async () =>
        (await rowsOf("aws.events")).filter((row) => row.target === target && row.outcome["reason"] !== "unmeasured"),
      ({ length }) => length > 0,
    );
    expect(measured?.outcome).toMatchObject(outcome);
  });

  it("are kept by UTC day and time, for 90 days", () => {
    for (const { utcDate, utcTime, target, ttl, latency } of scheduled) {
      expect(utcTime).toMatch(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z#/);
      expect(utcTime).toContain(`#${target}#`);
      const checkedAt = Date.parse(`${utcDate}T${utcTime.slice(0, 13)}`);
      expect(Math.abs(Date.now() - checkedAt)).toBeLessThan(600_000);
      expect(ttl - checkedAt / 1000).toBeCloseTo(90 * 86_400, -1);
      expect(latency).toBeGreaterThan(0);
    }
  });

  it("do not wait for each other", async () => {
    // In one run at least: a busy machine may stop a run for a second.
    const spreadMs = (rows: readonly Row[]): number => {
      const started = rows.map(({ utcDate, utcTime }) => Date.parse(`${utcDate}T${utcTime.slice(0, 13)}`));
      return Math.max(...started) - Math.min(...started);
    };
    const isWhole = ({ length }: readonly Row[]) => length === Object.keys(EXPECTED).length;
    await eventually(
      async () => {
        const runs = groupBy(await rowsOf("aws.events"), ({ event }) => event.time);
        return [...runs.values()].filter(isWhole).map(spreadMs);
      },
      (spreads) => spreads.some((ms) => ms < 1_000),
    );
  });

  it("are there at once after npm start, from the sample tick", async () => {
    const rows = await rowsOf("almanac.start");
    // The start suite runs npm start again.
    const first = rows.filter(({ event }) => event.time === rows[0]?.event.time);
    expect(first.length).toBe(Object.keys(EXPECTED).length);
  });

  it("are shown by npx almanac heartbeats status", async () => {
    const { code, output } = await eventually(
      () => npmRun("heartbeats", "status", ...startArguments),
      ({ code }) => code === 0,
    );
    expect(output).toMatch(/^good +up +\d+ ms/m);
    expect(output).toMatch(/^server-error +down .*status 500, expected 200-299/m);
    expect(code).toBe(0);
  });

  it("are shown on the status page, with the incident that a failure has opened", async () => {
    const s3 = new S3Client(aws);
    const read = async (Key: string): Promise<string> => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: outputs.status_page_bucket_name, Key }));
      return (await Body?.transformToString()) ?? "";
    };
    const status = statusSchema.parse(JSON.parse(await eventually(() => read("status.json"), Boolean)));
    const stateOf = (monitor: string) => status.monitors.find(({ name }) => name === monitor)?.state;
    expect([stateOf("good"), stateOf("server-error")]).toEqual(["up", "down"]);
    // Other targets go down later.
    expect(status.incidents.filter(({ monitor }) => monitor === "server-error")).toEqual([
      { monitor: "server-error", closedAt: null, message: "status 500, expected 200-299" },
    ]);
    expect(await read("index.html")).toContain("status 500, expected 200-299");
    expect(await read("badges/good.svg")).toContain("<svg");
  });

  it("move an invalid event to the dead-letter queue after its retries", async () => {
    const event = { source: "nobody", id: `strange-${Date.now()}` };
    await new LambdaClient(aws).send(
      new InvokeCommand({
        FunctionName: outputs.check_function_name,
        InvocationType: "Event",
        Payload: Buffer.from(JSON.stringify(event)),
      }),
    );
    const sqs = new SQSClient(aws);
    const bodies = await eventually(
      async () => {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: outputs.dead_letter_queue_url,
            WaitTimeSeconds: 1,
            VisibilityTimeout: 0,
          }),
        );
        return Messages.map(({ Body = "" }) => Body);
      },
      (all) => all.some((each) => each.includes(event.id)),
    );
    const body = bodies.find((each) => each.includes(event.id)) ?? "";
    expect(JSON.parse(body)).toMatchObject({
      requestPayload: event,
      responsePayload: { errorMessage: expect.stringContaining(`expected "Scheduled Event"`) as unknown },
    });
  });

  it("sends dead letters back to the checker with npx almanac redrive", async () => {
    const { code, output } = await npmRun("redrive", "heartbeats", ...startArguments);
    // The letter that is sent back fails again, and may be there again before the command ends: then it is left, and the code says so.
    expect(output).toMatch(/heartbeats: [1-9]\d* sent back(, \d+ left)?\./);
    expect(code).toBe(/, \d+ left\./.test(output) ? 1 : 0);
  });
});
