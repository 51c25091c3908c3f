/** The real keeper, attempts and tables of one schedule called "report", over DynamoDB in memory, on a clock that only ticks move. */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { scheduleResult } from "../../functions/heartbeats/monitors/check-result";
import { jobSchema } from "../../functions/heartbeats/monitors/job";
import { schedulesSchema, type Attempt } from "../../functions/schedules/contract";
import { keepSchedules, type KeeperPorts } from "../../functions/schedules/keeper/keep-schedules";
import { runAttempt, type ScheduledRun } from "../../functions/schedules/run/run-attempt";
import { monitorsTable } from "../../functions/schedules/storage/monitors-table";
import { runsTable, type DynamoCall } from "../../functions/schedules/storage/runs-table";
import { MINUTE_MS } from "../../functions/shared/time";
import { memoryRuns } from "./memory-runs";

export const START = Date.parse("2026-11-21T05:59:30Z");

/** The first attempt of the first run of a rate. */
export const ATTEMPT: Attempt = {
  schedule: "report",
  run: "2026-11-21T06:00:00.000Z",
  attempt: 1,
  retries: { count: 0, backoffSeconds: 60, maxAgeSeconds: 3_600 },
};

/** The keeper ticks and attempts run when the test says so. */
export function setup(fields: object = {}) {
  const schedules = schedulesSchema.parse({ report: { schedule: "rate(1 hour)", ...fields } });
  const memory = memoryRuns();
  const table = runsTable(memory.call, "runs");
  const heartbeats = { fails: false };
  const heartbeatsCall: DynamoCall = (action, input) => {
    if (heartbeats.fails) throw new Error("the table of heartbeats cannot be written");
    return memory.call(action, input);
  };
  const state = { now: START };
  const clock = { now: () => state.now, elapsed: () => state.now, after: () => () => undefined };
  const invoked: Attempt[] = [];
  const events: ScheduledRun[] = [];
  const failures: unknown[] = [];
  const run = (attempt: Attempt, call: (run: ScheduledRun) => unknown = () => "done", owner = `o${invoked.length}`) =>
    runAttempt(
      attempt,
      { owner, deadline: state.now + MINUTE_MS, log: { group: "g", stream: "s", requestId: "r" } },
      {
        table,
        clock,
        call: (event) => {
          events.push(event);
          return Promise.resolve(call(event));
        },
        observer: {
          duplicate: () => undefined,
          began: () => undefined,
          ended: () => undefined,
          failed: () => undefined,
          tooLate: () => undefined,
        },
      },
    );
  const ports: KeeperPorts = {
    table,
    monitors: monitorsTable(heartbeatsCall, "heartbeats"),
    clock,
    invoke: (attempt) => {
      invoked.push(attempt);
      return Promise.resolve();
    },
    observer: {
      created: () => undefined,
      lost: () => undefined,
      invoked: () => undefined,
      failed: (_, error) => failures.push(error),
    },
  };
  const tick = (minutes = 1) => {
    state.now += minutes * MINUTE_MS;
    return keepSchedules(schedules, ports, state.now);
  };
  const rows = async () =>
    (await table.list("report", 1_000)).map(({ run: key, outcome }) => `${key.slice(11, 16)} ${outcome}`).reverse();
  /** What heartbeats make of the monitor now. */
  const monitor = (lastTick?: number) => {
    const item = [...memory.items.values()].find((each) => each["monitor"]?.S === "schedule/report");
    return scheduleResult(jobSchema.parse(item === undefined ? {} : unmarshall(item)), lastTick, state.now);
  };
  return { tick, ports, table, invoked, events, run, rows, memory, state, failures, heartbeats, monitor };
}
