/**
 * Whatever happens in whatever order, and whatever is lost: after one sweep, each row tells how its execution really ended.
 */
import fc from "fast-check";
import * as z from "zod";
import { sleep, type Clock } from "../../../functions/shared/clock";
import type { Executions } from "../../../functions/workflows/task/executions";
import { startTask } from "../../../functions/workflows/task/lifecycle";
import { settle, sweep } from "../../../functions/workflows/task/reconciler";
import { endOf } from "../../../functions/workflows/task/task";
import { taskMachine } from "../../../modules/workflows/definition";
import { fakeExecutions } from "../../support/fake-executions";
import { fakeTaskTable } from "../../support/fake-task-table";
import { StatesError, type Service } from "../../support/states-interpreter";
import { virtualClock } from "../../support/virtual-clock";

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

/** All is over by then: the slowest of everything, one after the other. */
const QUIET_MS = 400_000;

/** How a request fares: when it takes effect, when its answer comes, and what that is. Times in milliseconds. */
interface Fate {
  readonly before: number;
  readonly after: number;
  /** `lost`: it takes effect, and the answer is an error. `refused`: it has no effect. */
  readonly how: "well" | "lost" | "refused";
}
const fate = fc.record({
  before: fc.integer({ min: 0, max: 4_000 }),
  after: fc.integer({ min: 0, max: 4_000 }),
  how: fc.constantFrom("well", "well", "well", "lost", "refused" as const),
});

/** All that can happen to one task. */
const story = fc.record({
  writes: fc.array(fate, { maxLength: 25 }),
  work: fc.array(fc.record({ ms: fc.integer({ min: 0, max: 12_000 }), ok: fc.boolean() }), { maxLength: 3 }),
  abortAt: fc.option(fc.integer({ min: 0, max: 40_000 })),
  /** When each delivery of the end's event comes after it; none: it is lost. */
  deliveries: fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 3 }),
  sweeps: fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 3 }),
});
type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never;

/** Each request has the next fate; when there are none left, all goes well. */
function fateful(service: Service, fates: Iterator<Fate>, clock: Clock): Service {
  return async (parameters, context) => {
    const next = fates.next();
    const { before, after, how }: Fate = next.done === true ? { before: 10, after: 10, how: "well" } : next.value;
    await sleep(clock, before);
    const answer = how === "refused" ? {} : await service(parameters, context);
    await sleep(clock, after);
    if (how === "well") return answer;
    throw new StatesError("DynamoDB.InternalServerErrorException", how);
  };
}

async function live({ writes, work, abortAt, deliveries, sweeps }: Story) {
  const clock = virtualClock(START);
  const statuses: unknown[] = [];
  const table = fakeTaskTable(({ status }) => statuses.push(status));
  const fates = writes[Symbol.iterator]();
  const tries = work[Symbol.iterator]();
  const services: Record<string, Service> = {
    "dynamodb:putItem": fateful(table.services["dynamodb:putItem"], fates, clock),
    "dynamodb:updateItem": fateful(table.services["dynamodb:updateItem"], fates, clock),
    "lambda:invoke": async () => {
      const next = tries.next();
      const { ms, ok } = next.done === true ? { ms: 10, ok: true } : next.value;
      await sleep(clock, ms);
      if (!ok) throw new StatesError("Refused", JSON.stringify({ errorMessage: "no funds" }));
      return {};
    },
  };
  const executions: Executions & ReturnType<typeof fakeExecutions> = fakeExecutions({
    clock,
    machine,
    services,
    onEnd: (arn) => {
      for (const delay of deliveries)
        clock.after(delay, () => {
          void executions.describe(arn).then((execution) => execution && settle(execution, table));
        });
    },
  });
  const sweepNow = () =>
    sweep(
      { table, executions },
      {
        now: clock.now(),
        startedBefore: clock.now() - WAIT_SECONDS * 1_000,
        stuckBefore: clock.now() - TIME_LIMIT_SECONDS * 1_000,
        endedAfter: clock.now() - 900_000,
        isOver: () => false,
      },
    );
  await startTask({ taskId: "task" }, { executions, now: clock.now() });
  if (abortAt !== null)
    clock.after(abortAt, () => {
      executions.run("task").abort("Mine", "enough");
    });
  for (const time of sweeps) clock.after(time, () => void sweepNow());
  await sleep(clock, QUIET_MS);
  await sweepNow();
  const execution = await executions.describe(executions.arnOf("task"));
  return { row: table.row("task"), end: execution && endOf(execution), statuses, again: await sweepNow() };
}

describe("a task's row", () => {
  it("ends in its execution's true end, whatever comes in whatever order, and only ever goes forward", async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const { row, end, statuses, again } = await live(told);
        expect(end).toBeDefined();
        expect(row).toMatchObject({ status: end?.status });
        expect(again).toEqual({ repaired: 0, stuck: [], failures: [] });

        const history = z.array(z.object({ status: z.string() })).parse(row?.["history"]);
        expect(statuses.join(" ")).toMatch(/^(STARTED )*((DONE|FAILED|TIMED_OUT|ABORTED)( |$))*$/);
        // What is true is not written over.
        expect(new Set(statuses.slice(statuses.indexOf(end?.status)))).toEqual(new Set([end?.status]));
        expect(history.map(({ status }) => status).lastIndexOf("STARTED")).toBe(0);
        expect(history.at(-1)?.status).toBe(row?.["status"]);
        // An end of the machine's own, and at most one correction.
        expect(history.length).toBeLessThanOrEqual(3);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
