/** What happens in the next minutes, on the clock of the whole system: nothing here waits for it. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { TimersClient } from "../../clients/timers";
import { systemClock } from "../../functions/shared/clock";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../functions/shared/time";
import { indexKeyOf } from "../../functions/timers/schedule/fire-times";
import { timerTable } from "../../functions/timers/storage/timer-table";
import { sdkJson } from "../support/sdk-json";
import { deployedSchedules, type DeployedSchedules } from "./support/schedules";
import { awsConfiguration, eventually, home, npmRun, readSystem, startArguments } from "./support/system";
import { dispatchedTimer, recordedFires } from "./support/timers";

const timersSchema = z.object({ table_name: z.string(), history_table_name: z.string(), api_url: z.url() });
const pagesSchema = z.object({ status_page_bucket_name: z.string() });
const statusSchema = z.object({
  monitors: z.array(z.object({ name: z.string(), state: z.string() })),
  incidents: z.array(z.object({ monitor: z.string(), message: z.string(), closedAt: z.string().nullable() })),
});
const movedSchema = z.object({ offsetMs: z.number(), ran: z.record(z.string(), z.number()) });

let schedules: DeployedSchedules;
let dynamodb: DynamoDBClient;
let timers: z.output<typeof timersSchema>;
let client: TimersClient;
let status: () => Promise<z.output<typeof statusSchema>>;
const began = Date.now();
/** The latest minute half past an hour, or the next one when it is so near that one tick would see both: then an example fails on purpose. */
const halfPast = Math.floor((began + 1.5 * MINUTE_MS - HOUR_MS / 2) / HOUR_MS) * HOUR_MS + HOUR_MS / 2;
/** UTC. */
const today = Math.floor(began / DAY_MS) * DAY_MS;
let moved: z.output<typeof movedSchema>;

async function advance(time: string): Promise<z.output<typeof movedSchema>> {
  const { code, output } = await npmRun("clock", "advance", time, "--json", "--home", home);
  expect([code, output]).toEqual([0, expect.stringContaining("{")]);
  return movedSchema.parse(JSON.parse(output.slice(output.indexOf("{"))));
}

beforeAll(async () => {
  const { endpoint, deployment } = await readSystem();
  const aws = awsConfiguration(endpoint);
  dynamodb = new DynamoDBClient(aws);
  timers = timersSchema.parse(deployment?.features["timers"]);
  const Bucket = pagesSchema.parse(deployment?.features["heartbeats"]).status_page_bucket_name;
  status = async () => {
    const { Body } = await new S3Client(aws).send(new GetObjectCommand({ Bucket, Key: "status.json" }));
    return statusSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
  };
  schedules = await deployedSchedules();

  // Enqueued by the API, and by the dispatcher.
  client = new TimersClient({ url: timers.api_url, ...aws });
  await client.periodic.put("minutely-api-every", { every: "1 minute", secondOfMinute: 30 });
  await client.periodic.put("minutely-api-cron", { cron: "* * * * ? *", timeZone: "Asia/Kolkata" });
  const table = timerTable(sdkJson(dynamodb), timers.table_name, { clock: systemClock, random: Math.random });
  const every = { kind: "every", periodMs: MINUTE_MS, phaseMs: MINUTE_MS / 2 } as const;
  const cron = { kind: "cron", expression: "* * * * ? *", timeZone: "UTC" } as const;
  for (const timer of [
    dispatchedTimer("minutely-dispatched-every", every, "shard0"),
    dispatchedTimer("minutely-dispatched-cron", cron, "shard0"),
  ])
    await table.put(timer, indexKeyOf(timer));
  await schedules.moveCursor("eachDay", today - 3 * DAY_MS);
  if (halfPast < began) await schedules.moveCursor("minuteReport", halfPast - 1);
  moved = await advance("5m");
});

describe("five minutes later", () => {
  it("the clock is ahead, and functions have run", () => {
    expect(moved.offsetMs).toBeGreaterThan(2 * MINUTE_MS);
    expect(moved.ran["almanac-local-timers-dispatch"]).toBeGreaterThanOrEqual(3);
  });

  it.each([
    ["every minute, enqueued by the API", "minutely-api-every", 30],
    ["by cron, enqueued by the API", "minutely-api-cron", 0],
    ["every minute, enqueued by the dispatcher", "minutely-dispatched-every", 30],
    ["by cron, enqueued by the dispatcher", "minutely-dispatched-cron", 0],
  ])("timers have fired %s, without a gap", async (_, id, second) => {
    const fires = await recordedFires(dynamodb, timers.history_table_name, `periodic#${id}`);
    const times = fires.map(({ dueAt }) => Date.parse(dueAt)).sort((a, b) => a - b);
    const first = times[0] ?? 0;
    expect(times.length).toBeGreaterThanOrEqual(2);
    expect(first % MINUTE_MS).toBe(second * 1_000);
    expect(times).toEqual(times.map((__, index) => first + index * MINUTE_MS));
    expect(fires.filter(({ lateMs }) => lateMs < 0)).toEqual([]);
  });

  // Not those of rows that only the dispatcher knows: they begin within the minutes that it has enqueued before.
  it.each(["minutely-api-every", "minutely-api-cron"])("an audit finds every fire of %s", async (id) => {
    const audit = await client.periodic.audit(id);
    expect(audit).toMatchObject({ observed: audit?.expected, missing: [], failed: [], early: [] });
    expect(audit?.expected).toBeGreaterThanOrEqual(3);
  });

  it("a schedule has run each minute, never early, with a secret, and kept its result", async () => {
    const runs = (await schedules.runsOf("eachMinute")).filter(
      ({ manual, scheduledAt }) => !manual && Date.parse(scheduledAt) > began,
    );
    expect(runs.length).toBeGreaterThanOrEqual(2);
    for (const { scheduledAt, startedAt = "", result, outcome } of runs) {
      expect(scheduledAt).toMatch(/:00\.000Z$/);
      expect(startedAt >= scheduledAt).toBe(true);
      expect([outcome, result]).toEqual(["succeeded", '{"attempt":1,"secretCharacters":6}']);
    }
    expect(new Set(runs.map(({ scheduledAt }) => scheduledAt)).size).toBe(runs.length);
  });

  it("a schedule has a row for each run that did not happen", async () => {
    // Today's has run on time, if the system was there at six.
    const earlier = (await schedules.runsOf("eachDay")).filter(
      ({ manual, scheduledAt }) => !manual && Date.parse(scheduledAt) < today,
    );
    expect(earlier.map(({ scheduledAt, outcome }) => [scheduledAt, outcome])).toEqual(
      [1, 2, 3].map((days) => [new Date(today - days * DAY_MS + 6 * HOUR_MS).toISOString(), "missed"]),
    );
  });

  it("a run that failed on purpose is an incident, until one succeeds", async () => {
    const stateOf = async () => (await status()).monitors.find(({ name }) => name === "minute-report")?.state;
    expect(await stateOf()).toBe("down");
    expect((await status()).incidents.find(({ monitor }) => monitor === "minute-report")).toMatchObject({
      message: "a scheduled run failed",
      closedAt: null,
    });
    const scheduledAt = new Date(halfPast).toISOString();
    const failed = (await schedules.runsOf("minuteReport")).find((run) => run.scheduledAt === scheduledAt);
    expect(failed).toMatchObject({
      outcome: "failed",
      reason: "fails on purpose in minute 30 of each hour",
      manual: false,
    });
    // A failure counts in the next check, and once more in one within ten seconds of its report. The run of minute 30 fails, too, and is
    // reported by the next tick: that minute is far, or all has been counted by four minutes later.
    const minute = new Date(Date.now() + moved.offsetMs).getUTCMinutes();
    if (minute >= 15 && minute < 34) await advance(`${34 - minute}m`);
    // By hand it is a run of the machine's minute, and fails there, too: again in that minute of the hour.
    let failures = 0;
    const again = async () => {
      const ended = await npmRun("schedules", "run", "minuteReport", ...startArguments);
      if (ended.code !== 0) failures += 1;
      return ended;
    };
    const { output } = await eventually(again, ({ code }) => code === 0);
    expect(output).toMatch(/counted .*minute=\d+\n[^]*succeeded/);
    await advance(failures === 0 ? "2m" : "4m");
    expect(await stateOf()).toBe("up");
  });
});

describe("npx almanac clock", () => {
  it("lets time pass faster, begins a move without waiting for it, and puts everything back", async () => {
    for (const run of [
      () => npmRun("clock", "advance", "1m", "--no-wait", "--home", home),
      () => npmRun("clock", "speed", "10", "--home", home),
      () => npmRun("clock", "now", "--home", home),
    ]) {
      const { code, output } = await run();
      expect({ code, output }).toMatchObject({ code: 0 });
    }
    const { output } = await npmRun("clock", "status", "--json", "--home", home);
    expect(movedSchema.parse(JSON.parse(output)).offsetMs).toBe(0);
  });
});
