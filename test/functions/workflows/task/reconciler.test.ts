/** Whatever happens in whatever order, and whatever is lost: after one sweep, each row has its task's end. */
import * as z from "zod";
import { sleep, type Clock } from "../../../../functions/shared/clock";
import type { Executions } from "../../../../functions/workflows/task/executions";
import { startTask } from "../../../../functions/workflows/task/lifecycle";
import { reconcileEvent } from "../../../../functions/workflows/task/reconciler";
import { sweep } from "../../../../functions/workflows/task/sweep";
import { taskEndOf } from "../../../../functions/workflows/task/task";
import { taskMachine } from "../../../../modules/workflows/definition";
import { fakeExecutions } from "../../../support/fake-executions";
import { fakeTaskTable } from "../../../support/fake-task-table";
import { sized } from "../../../support/sized";
import { StatesError, type Service } from "../../../support/states-interpreter";
import { virtualClock } from "../../../support/virtual-clock";
import fc from "../../../support/fast-check";

const START = Date.parse("2026-11-21T12:00:00Z");
const WAIT_SECONDS = 5;
const TIME_LIMIT_SECONDS = 600;
const machine = taskMachine({
  table: "tasks",
  waitSeconds: WAIT_SECONDS,
  timeLimitSeconds: TIME_LIMIT_SECONDS,
  keepDays: 90,
  work: { functionName: "work", timeoutSeconds: 8, retries: 1 },
});

/** Longer than the slowest possible sequence of events. */
const QUIET_MS = 400_000;

/** Latency and outcome of a request. Times in milliseconds. */
interface Outcome {
  /** Until the request takes effect. */
  readonly before: number;
  /** From then until the response. */
  readonly after: number;
  /** `lost`: it takes effect, but the response is an error. `rejected`: it has no effect. */
  readonly result: "ok" | "lost" | "rejected";
}
const outcome = fc.record({
  before: fc.integer({ min: 0, max: 4_000 }),
  after: fc.integer({ min: 0, max: 4_000 }),
  result: fc.constantFrom("ok", "ok", "ok", "lost", "rejected" as const),
});

/** The events in the life of one task. */
const scenario = fc.record({
  writes: fc.array(outcome, { maxLength: 25, size: "max" }),
  work: fc.array(fc.record({ ms: fc.integer({ min: 0, max: 12_000 }), ok: fc.boolean() }), { maxLength: 3 }),
  abortAt: fc.option(fc.integer({ min: 0, max: 40_000 })),
  /** Delays of the deliveries of the end event. Empty: it is lost. */
  deliveries: fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 3 }),
  sweeps: fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 3 }),
  /** Ages of what Step Functions answers. */
  lags: fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 10 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/** Gives each request the next outcome. After the last one, requests succeed. */
function unreliable(service: Service, outcomes: Iterator<Outcome>, clock: Clock): Service {
  return async (parameters, context) => {
    const next = outcomes.next();
    const { before, after, result }: Outcome =
      next.done === true ? { before: 10, after: 10, result: "ok" } : next.value;
    await sleep(clock, before);
    const response = result === "rejected" ? {} : await service(parameters, context);
    await sleep(clock, after);
    if (result === "ok") return response;
    throw new StatesError("DynamoDB.InternalServerErrorException", result);
  };
}

async function simulate({ writes, work, abortAt, deliveries, sweeps, lags }: Scenario) {
  const clock = virtualClock(START);
  const statuses: unknown[] = [];
  const table = fakeTaskTable(({ status }) => statuses.push(status));
  /** Ends that the machine wrote itself. */
  const machineEnds: unknown[] = [];
  const update: Service = async (request) => {
    await table.services["dynamodb:updateItem"](request);
    const { status } = table.row("task") ?? {};
    if (status !== "STARTED") machineEnds.push(status);
    return {};
  };
  const nextLag = lags[Symbol.iterator]();
  const outcomes = writes[Symbol.iterator]();
  const attempts = work[Symbol.iterator]();
  const services: Record<string, Service> = {
    "dynamodb:updateItem": unreliable(update, outcomes, clock),
    "lambda:invoke": async () => {
      const next = attempts.next();
      const { ms, ok } = next.done === true ? { ms: 10, ok: true } : next.value;
      await sleep(clock, ms);
      if (!ok) throw new StatesError("Refused", JSON.stringify({ errorMessage: "no funds" }));
      return { Payload: { json: '"paid"', location: "" } };
    },
  };
  const executions: Executions & ReturnType<typeof fakeExecutions> = fakeExecutions({
    clock,
    machine,
    services,
    lag: () => nextLag.next().value ?? 0,
    onEnd: (arn, stoppedAt) => {
      const handle = async (attempt: number): Promise<void> => {
        try {
          await reconcileEvent({ executionArn: arn, stopDate: stoppedAt }, { table, executions });
        } catch {
          if (attempt < 3) clock.after(attempt * 60_000, () => void handle(attempt + 1));
        }
      };
      for (const delay of deliveries) clock.after(delay, () => void handle(1));
    },
  });
  const sweepNow = () =>
    sweep(
      { table, executions, clock },
      {
        stuckBefore: clock.now() - TIME_LIMIT_SECONDS * 1_000,
        endedAfter: clock.now() - 900_000,
        isOver: () => false,
      },
    );
  await startTask({ taskId: "task" }, { table, executions, clock });
  if (abortAt !== null)
    clock.after(abortAt, () => {
      executions.run("task").abort("Mine", "enough");
    });
  for (const time of sweeps) clock.after(time, () => void sweepNow());
  await sleep(clock, QUIET_MS);
  await sweepNow();
  const execution = await executions.describe(executions.arnOf("task"));
  return {
    row: table.row("task"),
    machineEnds,
    end: execution && taskEndOf(execution),
    statuses,
    again: await sweepNow(),
  };
}

describe("a task's row", () => {
  it("has its task's end, whatever happens in whatever order, and never goes back", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (events) => {
        const { row, end, machineEnds, statuses, again } = await simulate(events);
        expect(end).toBeDefined();
        // Of the end that the machine wrote and the one of its execution, which was stopped meanwhile, the first.
        expect(row).toMatchObject({ status: machineEnds[0] ?? end?.status });
        expect(again).toEqual({ reconciled: 0, stuck: [], failures: [] });

        const history = z.array(z.object({ status: z.string() })).parse(row?.["history"]);
        // Forward only: STARTED, then one end.
        expect(statuses.join(" ")).toMatch(/^(STARTED )*(DONE|FAILED|TIMED_OUT|ABORTED)( \2)*$/);
        expect(history.map(({ status }) => status).lastIndexOf("STARTED")).toBe(0);
        expect(history.at(-1)?.status).toBe(row?.["status"]);
        expect(history).toHaveLength(2);
        expect(row).toHaveProperty("ttl");
      }),
      { numRuns: sized(30, 1_000) },
    );
  });
});
