/** A separate process: runs checker and publisher for two hours of ticks, after 90 days of history, and counts their requests. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { marshall } from "@aws-sdk/util-dynamodb";
import { MONITORS_KEY, TARGETS_KEY, type TargetInput } from "../../../../../functions/heartbeats/contract";
import { handler as check } from "../../../../../functions/heartbeats/check";
import { handler as publish } from "../../../../../functions/heartbeats/publish";
import { histogramOf } from "../../../../../functions/heartbeats/monitors/histogram";
import { rollupCodec } from "../../../../../functions/heartbeats/monitors/roll-up";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../../../functions/shared/time";
import { lambdaContext, scheduledEvent } from "../../../../../test/support/lambda";
import { CountingAws } from "./counting-aws";
import { sizeOf } from "./counting-dynamodb";
import { COUNTED_TARGETS, COUNTED_TICKS, TICK_MINUTES, WARM_UP_TICKS, type Counted } from "./messages";

/** Counting begins at noon, when the day's item has its average size. */
const NOON = Date.UTC(2026, 10, 20, 12);
const FIRST_TICK = NOON - WARM_UP_TICKS * TICK_MINUTES * MINUTE_MS;

const TELEMETRY_TABLE = process.env["TELEMETRY_TABLE"] ?? "";
const STATE_TABLE = process.env["STATE_TABLE"] ?? "";
const CONFIGURATION = process.env["CONFIGURATION_BUCKET"] ?? "";

/** 60 to 400 ms, deterministic. */
let responses = 0;
function nextLatency(): number {
  responses += 1;
  return 60 + ((responses * 7_919) % 341);
}

async function startTargets(): Promise<readonly TargetInput[]> {
  const server = createServer((_request, response) => setTimeout(() => response.end("All is well."), nextLatency()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Array.from({ length: COUNTED_TARGETS }, (_, index) => ({
    name: `target-${index}`,
    url: `http://127.0.0.1:${port}/${index}`,
    private: true,
  }));
}

/** Preloads 90 daily roll-ups and 24 hourly ones. */
function preloadHistory(aws: CountingAws, monitor: string): void {
  const put = (item: string, start: number, hours: number): void => {
    const checks = (hours * 60) / TICK_MINUTES;
    const latencies = histogramOf([], Array.from({ length: checks }, nextLatency));
    const rollup = rollupCodec.encode({ up: hours * HOUR_MS, degraded: 0, down: 0, maintenance: 0, latencies });
    aws.dynamodb.preload(STATE_TABLE, marshall({ monitor, item, start, rollup }));
  };
  const today = NOON - (NOON % DAY_MS);
  for (let day = 1; day < 90; day += 1) put(dayItem(today - day * DAY_MS), today - day * DAY_MS, 24);
  put(dayItem(today), today, (FIRST_TICK - today) / HOUR_MS);
  for (let hour = 1; hour <= 24; hour += 1) put(hourItem(FIRST_TICK - hour * HOUR_MS), FIRST_TICK - hour * HOUR_MS, 1);
}

const dayItem = (start: number) => `day#${new Date(start).toISOString().slice(0, 10)}`;
const hourItem = (start: number) => `hour#${new Date(start).toISOString().slice(0, 13)}`;

async function main(): Promise<void> {
  const targets = await startTargets();
  const aws = new CountingAws({
    [`/${CONFIGURATION}/${TARGETS_KEY}`]: JSON.stringify(targets),
    [`/${CONFIGURATION}/${MONITORS_KEY}`]: "{}",
  });
  for (const { name } of targets) preloadHistory(aws, name);
  process.env["AWS_ENDPOINT_URL"] = await aws.listen();
  const realNow = Date.now.bind(Date);

  const seconds = { check: 0, publish: 0 };
  const count = (): Omit<Counted, "seconds" | "stored"> => {
    const { writeUnits, readUnits } = aws.dynamodb;
    return { dynamodb: { writeUnits, readUnits }, s3: { ...aws.s3 } };
  };
  let before = count();
  for (let tick = 0; tick < WARM_UP_TICKS + COUNTED_TICKS; tick += 1) {
    if (tick === WARM_UP_TICKS) {
      before = count();
      Object.assign(seconds, { check: 0, publish: 0 });
    }
    const time = FIRST_TICK + tick * TICK_MINUTES * MINUTE_MS;
    const offset = time - realNow();
    Date.now = () => realNow() + offset;
    const event = scheduledEvent({ time: new Date(time).toISOString() });
    seconds.check += await secondsOf(() => check(event, lambdaContext()));
    for (const event of aws.invocations.splice(0))
      seconds.publish += await secondsOf(() => publish(event, lambdaContext()));
  }

  const after = count();
  const telemetry = aws.dynamodb.items(TELEMETRY_TABLE).map(sizeOf);
  const states = aws.dynamodb.items(STATE_TABLE);
  const bytesOf = (prefix: string) => {
    const sizes = states.filter(({ item }) => String(item?.["S"]).startsWith(prefix)).map(sizeOf);
    return mean(sizes);
  };
  const counted: Counted = {
    dynamodb: {
      writeUnits: after.dynamodb.writeUnits - before.dynamodb.writeUnits,
      readUnits: after.dynamodb.readUnits - before.dynamodb.readUnits,
    },
    s3: { writes: after.s3.writes - before.s3.writes, reads: after.s3.reads - before.s3.reads },
    seconds,
    stored: { row: mean(telemetry), state: bytesOf("state"), hour: bytesOf("hour#"), day: bytesOf("day#") },
  };
  if (telemetry.length !== COUNTED_TARGETS * (WARM_UP_TICKS + COUNTED_TICKS)) throw new Error("missing checks");
  process.send?.(counted);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

void main();
