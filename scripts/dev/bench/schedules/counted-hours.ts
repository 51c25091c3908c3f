/** The requests of schedules in an hour, counted: the real keeper and wrapper, with tables in memory, on a virtual clock. */
import { keepSchedules, type KeeperPorts } from "../../../../functions/schedules/keeper/keep-schedules";
import { schedulesSchema, type Attempt } from "../../../../functions/schedules/contract";
import { runAttempt } from "../../../../functions/schedules/run/run-attempt";
import { monitorsTable } from "../../../../functions/schedules/storage/monitors-table";
import { runsTable, type DynamoCall } from "../../../../functions/schedules/storage/runs-table";
import { HOUR_MS, MINUTE_MS } from "../../../../functions/shared/time";
import { memoryRuns } from "../../../../test/support/memory-runs";

export interface CountedHour {
  readonly ticks: number;
  readonly runs: number;
  /** DynamoDB's, of items of less than 1 KB. */
  readonly writeUnits: number;
  /** Of less than 4 KB, strongly consistent. */
  readonly readUnits: number;
}

const HOURS = 24;
const START = Date.parse("2026-11-21T00:00:30Z");

/** @param schedules hourly ones, each a monitor of heartbeats, whose runs succeed */
export async function countHours(schedules: number): Promise<CountedHour> {
  const names = Array.from({ length: schedules }, (_, index) => `schedule${index}`);
  const config = schedulesSchema.parse(Object.fromEntries(names.map((name) => [name, { schedule: "rate(1 hour)" }])));
  const memory = memoryRuns();
  const none = { BatchGetItem: 0, PutItem: 0, Query: 0, UpdateItem: 0 };
  let counts = { ...none };
  const call: DynamoCall = (action, input) => {
    counts[action] += 1;
    return memory.call(action, input);
  };
  let now = START;
  const clock = { now: () => now, elapsed: () => now, after: () => () => undefined };
  const table = runsTable(call, "runs");
  const invoked: Attempt[] = [];
  const ports: KeeperPorts = {
    table,
    monitors: monitorsTable(call, "heartbeats"),
    clock,
    invoke: (attempt) => Promise.resolve(void invoked.push(attempt)),
    observer: {
      created: () => undefined,
      lost: () => undefined,
      invoked: () => undefined,
      failed: (name, cause) => {
        throw new Error(`the schedule ${name} failed`, { cause });
      },
    },
  };
  await keepSchedules(config, ports, now);
  counts = { ...none };
  let runs = 0;
  for (; now < START + HOURS * HOUR_MS; now += MINUTE_MS) {
    await keepSchedules(config, ports, now);
    for (const attempt of invoked.splice(0)) {
      await runAttempt(attempt, invocation(runs, now), {
        table,
        clock,
        call: () => ({ done: true }),
        observer: {
          duplicate: () => undefined,
          began: () => undefined,
          ended: () => undefined,
          failed: () => undefined,
          tooLate: () => undefined,
        },
      });
      runs += 1;
    }
  }
  const { BatchGetItem, PutItem, Query, UpdateItem } = counts;
  return {
    ticks: HOUR_MS / MINUTE_MS,
    runs: runs / HOURS,
    writeUnits: (PutItem + UpdateItem) / HOURS,
    readUnits: (BatchGetItem + Query) / HOURS,
  };
}

const invocation = (run: number, now: number) => ({
  owner: String(run),
  deadline: now + MINUTE_MS,
  log: { group: "/aws/lambda/almanac-bench-schedules-run-schedule0", stream: "stream", requestId: "request" },
});
