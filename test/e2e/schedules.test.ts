import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { STATES } from "../../functions/schedules/contract";
import { DAY_MS, HOUR_MS } from "../../functions/shared/time";
import { jsonOfRun } from "../../scripts/features/schedules/describe";
import { findSchedules, type FoundSchedules } from "../../scripts/features/schedules/environment";
import { awsConfiguration, eventually, home, npmRun, readSystem, startArguments } from "./support/system";

const outputsSchema = z.object({ runs_table_name: z.string() });
const runSchema = z.object({
  run: z.string(),
  outcome: z.string(),
  manual: z.boolean(),
  scheduledAt: z.string(),
  startedAt: z.string().optional(),
  result: z.string().optional(),
  reason: z.string().optional(),
});
type Run = z.output<typeof runSchema>;
const pagesSchema = z.object({ status_page_bucket_name: z.string() });
const statusSchema = z.object({
  monitors: z.array(z.object({ name: z.string(), state: z.string() })),
  incidents: z.array(z.object({ monitor: z.string(), message: z.string(), closedAt: z.string().nullable() })),
});
const listSchema = z.object({
  schedules: z.array(
    z.object({ name: z.string(), state: z.string(), nextAt: z.string().optional(), lastAt: z.string().optional() }),
  ),
});

/** Two ticks, and the grace of a deadline. */
const TICKS_MS = 150_000;

/** A test that waits for ticks, with its commands. */
const TEST_MS = TICKS_MS + 60_000;

describe("schedules, deployed", () => {
  let found: FoundSchedules;
  let table: string;
  let pages: string;
  let aws: ReturnType<typeof awsConfiguration>;

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    table = outputsSchema.parse(running.deployment?.features["schedules"]).runs_table_name;
    pages = pagesSchema.parse(running.deployment?.features["heartbeats"]).status_page_bucket_name;
    found = await findSchedules({ env: "local", app: "test/e2e/support/app.ts", home });
    const key = { Name: "/almanac/schedules/key", Value: "secret", Type: "SecureString", Overwrite: true } as const;
    await new SSMClient(aws).send(new PutParameterCommand(key));
  });

  const almanac = (...words: readonly string[]) => npmRun("schedules", ...words, ...startArguments);
  /** As `schedules runs --json` has them: polls of the command would cost a process each. */
  const runsOf = async (name: string): Promise<readonly Run[]> =>
    ((await found.own?.table.list(name, 100)) ?? []).map((run) => runSchema.parse(jsonOfRun(run)));

  it(
    "run each minute, never early, with a secret, and keep the result",
    async () => {
      const succeeded = (runs: readonly Run[]) =>
        runs.filter(({ outcome, manual }) => outcome === "succeeded" && !manual);
      const runs = succeeded(
        await eventually(
          () => runsOf("eachMinute"),
          (all) => succeeded(all).length >= 2,
          TICKS_MS,
        ),
      );
      for (const { scheduledAt, startedAt = "", result } of runs) {
        expect(scheduledAt).toMatch(/:00\.000Z$/);
        expect(startedAt >= scheduledAt).toBe(true);
        expect(result).toBe('{"attempt":1,"secretCharacters":6}');
      }
      expect(new Set(runs.map(({ scheduledAt }) => scheduledAt)).size).toBe(runs.length);
    },
    TEST_MS,
  );

  it("run now with an input, follow the log, and end with the run's outcome", async () => {
    const succeeded = await almanac("run", "eachDay", "--input", '{"fails": "on purpose"}');
    expect(succeeded.code).toBe(1);
    expect(succeeded.output).toMatch(
      /INFO +began .*\n.*ERROR +the handler failed .*on purpose.*\n.*INFO +ended .*outcome=failed/,
    );
    expect((await runsOf("eachDay"))[0]).toMatchObject({ outcome: "failed", manual: true, reason: "on purpose" });
    expect((await almanac("show", "eachDay")).output).toMatch(/reason +on purpose/);
  });

  /** The keeper finds these instants due at its next tick. */
  const moveCursor = async (run: string, at: number) => {
    const command = new UpdateItemCommand({
      TableName: table,
      Key: marshall({ schedule: STATES, run }),
      UpdateExpression: "SET #cursor = :at",
      ConditionExpression: "attribute_exists(#cursor)",
      ExpressionAttributeNames: { "#cursor": "cursor" },
      ExpressionAttributeValues: marshall({ ":at": at }),
    });
    await new DynamoDBClient(aws).send(command);
  };

  it(
    "are monitors of heartbeats: the example's run that fails on purpose each hour is an incident until one succeeds",
    async () => {
      const s3 = new S3Client({ ...aws, forcePathStyle: true });
      const statusOf = async () => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: pages, Key: "status.json" }));
        return statusSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
      };
      const stateOf = async () =>
        (await statusOf().catch(() => undefined))?.monitors.find(({ name }) => name === "minute-report")?.state;
      const halfPast = Math.floor((Date.now() - HOUR_MS / 2) / HOUR_MS) * HOUR_MS + HOUR_MS / 2;
      await moveCursor("minuteReport", halfPast - 1);
      expect(await eventually(stateOf, (state) => state === "down", TICKS_MS)).toBe("down");
      expect((await statusOf()).incidents.find(({ monitor }) => monitor === "minute-report")).toMatchObject({
        message: "a scheduled run failed",
        closedAt: null,
      });
      expect((await runsOf("minuteReport")).find(({ outcome }) => outcome === "failed")).toMatchObject({
        reason: "fails on purpose in minute 30 of each hour",
        scheduledAt: new Date(halfPast).toISOString(),
        manual: false,
      });
      // Again in that minute of the hour.
      const again = () => almanac("run", "minuteReport");
      const { output } = await eventually(again, ({ code }) => code === 0, TICKS_MS);
      expect(output).toMatch(/counted .*minute=\d+\n[^]*succeeded/);
      expect(await eventually(stateOf, (state) => state === "up", TICKS_MS)).toBe("up");
    },
    2 * TEST_MS,
  );

  it(
    "find a run that Lambda has ended",
    async () => {
      expect((await almanac("run", "eachMinute", "--input", '{"ms": 60000}', "--no-wait")).code).toBe(0);
      const lost = await eventually(
        async () => (await runsOf("eachMinute")).find(({ manual }) => manual),
        (run) => run?.outcome === "failed",
        TICKS_MS,
      );
      expect(lost?.reason).toMatch(/ended by Lambda/);
    },
    TEST_MS,
  );

  it(
    "have a row for each run that did not happen",
    async () => {
      await moveCursor("eachDay", Date.now() - 3 * DAY_MS);
      const missed = (runs: readonly Run[]) => runs.filter(({ outcome }) => outcome === "missed");
      const runs = await eventually(
        () => runsOf("eachDay"),
        (all) => missed(all).length >= 3,
        TICKS_MS,
      );
      expect(missed(runs).map(({ scheduledAt }) => scheduledAt.slice(11))).toEqual(Array(3).fill("06:00:00.000Z"));
    },
    TEST_MS,
  );

  it("are not due while they are paused", async () => {
    expect((await almanac("pause", "eachDay")).code).toBe(0);
    const list = async () => listSchema.parse(JSON.parse((await almanac("ls", "--json")).output)).schedules;
    expect((await list()).find(({ name }) => name === "eachDay")).toMatchObject({ state: "paused" });
    expect((await almanac("resume", "eachDay")).output).toMatch(/Next run: \S+T06:00:00Z/);
    const all = await list();
    expect(all.find(({ name }) => name === "eachDay")).toMatchObject({ state: "enabled" });
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["heartbeats-check", "timers-dispatch-0", "workflows-sweep", "schedules-keep"]),
    );
  });

  it("fire the ticks of other features", async () => {
    const { code, output } = await almanac("run", "heartbeats-check", "--json");
    expect([code, JSON.parse(output)]).toMatchObject([0, { fired: "heartbeats-check", events: 1 }]);
    expect((await almanac("run", "heartbeat-check")).output).toMatch(/Did you mean heartbeats-check/);
  });
});
