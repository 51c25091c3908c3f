/**
 * A simulated world of a workflow with virtual time and random faults, derived from a seed: the real machine, start, decisions, redrives,
 * reconciler, sweep and task table, with Step Functions, DynamoDB, EventBridge and Lambda simulated.
 */
import * as z from "zod";
import { sleep } from "../../../functions/shared/clock";
import { ConflictError } from "../../../functions/shared/handlers/http-errors";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { DECISIONS, type Decision, type Task, type TaskStatus } from "../../../functions/workflows/contract";
import { decide } from "../../../functions/workflows/task/decide";
import { executionNameOf } from "../../../functions/workflows/task/execution-name";
import type { Executions, StateOutcome } from "../../../functions/workflows/task/executions";
import { cancelTask, findTask, startTask, type StartedTask } from "../../../functions/workflows/task/lifecycle";
import { reconcileEvent, type EndEvent } from "../../../functions/workflows/task/reconciler";
import { redriveTask } from "../../../functions/workflows/task/redrive";
import { sweep, sweepTimes } from "../../../functions/workflows/task/sweep";
import type { TaskTable } from "../../../functions/workflows/task/task-table";
import { fakeExecutions } from "../fake-executions";
import { fakeTaskTable } from "../fake-task-table";
import { Random } from "../simulation/random";
import { StatesError, type Service } from "../states-interpreter";
import { virtualClock } from "../virtual-clock";
import { brokenInvariants, rowKeyOf, rowVersionSchema, type RowVersion, type Violation } from "./invariants";
import { APPROVAL_SECONDS, drawMachine, TIME_LIMIT_SECONDS } from "./machines";

const BEGIN = Date.parse("2026-11-21T06:00:00Z");
const FAULTY_MS = 80 * MINUTE_MS;

/** No faults in this last part of a world, so that everything ends. */
const RECOVERY_MS = 100 * MINUTE_MS;

const SWEEP_TIMEOUT_MS = 240 * SECOND_MS;
const FUNCTION_TIMEOUT_MS = 29 * SECOND_MS;

/** Lists of executions and reads of the index are this old at most. */
const MAX_LAG_MS = 40 * SECOND_MS;
const MAX_DESCRIBE_LAG_MS = 8 * MINUTE_MS;

/** Longer than the machines' retries. */
const OUTAGE_MS = 3 * MINUTE_MS;

class KilledError extends Error {
  override readonly name = "KilledError";
}

class ThrottledError extends Error {
  override readonly name = "ThrottledError";
}

export async function runWorld(seed: number): Promise<readonly Violation[]> {
  const random = new Random(seed);
  const clock = virtualClock(BEGIN);
  const isFaulty = () => clock.now() < BEGIN + FAULTY_MS;
  const fault = (probability: number) => isFaulty() && random.chance(probability);
  const lag = (longestMs = MAX_LAG_MS) => (fault(0.3) ? random.whole(0, random.chance(0.2) ? longestMs : 3_000) : 0);
  const { machine, isOwn } = drawMachine(random);
  // Each must be enough by itself: the events when none is lost, and the sweep.
  const finders = random.of(["both", "both", "events", "sweeps"]);
  const outageAt = BEGIN + random.whole(0, 2 * FAULTY_MS);
  const isOutage = () => clock.now() >= outageAt && clock.now() < outageAt + OUTAGE_MS;

  const versions = new Map<string, RowVersion[]>();
  const table = fakeTaskTable(
    (written) => {
      const row = rowVersionSchema.safeParse(written).data;
      if (row === undefined || row.taskId.startsWith(FOREIGN)) return;
      versions.set(rowKeyOf(row), [...(versions.get(rowKeyOf(row)) ?? []), row]);
    },
    { now: () => clock.now(), seenBy: () => clock.now() - lag() },
  );
  const machineEnds = new Map<string, TaskStatus>();
  const refusals = new Map<string, boolean>();
  const outcomes = new Map<string, StateOutcome[]>();
  const executions = fakeExecutions({
    clock,
    machine,
    services: {
      "dynamodb:updateItem": unreliable(async (request) => {
        const written = await table.services["dynamodb:updateItem"](request);
        const { taskId, timestamp } = keySchema.parse(request).Key;
        const key = rowKeyOf({ taskId: taskId.S, timestamp: Number(timestamp.N) });
        const status = versions.get(key)?.at(-1)?.status;
        if (status !== undefined && status !== "STARTED") machineEnds.set(key, status);
        return written;
      }),
      "lambda:invoke": async () => {
        await sleep(clock, random.of([10, 2_000, 20_000, fault(0.2) ? 70_000 : 100]));
        if (fault(0.3)) throw new StatesError("Refused", JSON.stringify({ errorMessage: "no funds" }));
        return { Payload: { json: '"paid"', location: "" } };
      },
    },
    lag: (call) => (call === "describe" ? lag(MAX_DESCRIBE_LAG_MS) : lag()),
    isRefused: (arn, token) => {
      const key = `${arn} ${token}`;
      refusals.set(key, refusals.get(key) ?? (finders !== "events" && fault(0.1)));
      return refusals.get(key) === true;
    },
    onEnd: (arn, stoppedAt) => {
      const { status, redrivenAt } = executions.now(arn);
      if (status !== "SUCCEEDED") emit({ executionArn: arn, stopDate: stoppedAt, redriveDate: redrivenAt });
    },
    onRedrive: (arn, redriveDate) => {
      for (const [key, rows] of versions) if (rows.at(-1)?.executionArn === arn) machineEnds.delete(key);
      emit({ executionArn: arn, redriveDate });
    },
    onOutcome: (token, outcome) => outcomes.set(token, [...(outcomes.get(token) ?? []), outcome]),
  });

  /** A task's request: it may have no effect, or its response may be lost, or it may be late. */
  function unreliable(service: Service): Service {
    return async (parameters, context) => {
      if (fault(0.1)) await sleep(clock, random.whole(10, random.chance(0.2) ? 45_000 : 5_000));
      if (isOutage() || fault(0.08)) throw new StatesError("DynamoDB.InternalServerErrorException", "no effect");
      const result = await service(parameters, context);
      if (fault(0.1)) await sleep(clock, random.whole(10, 5_000));
      if (fault(0.08)) throw new StatesError("DynamoDB.InternalServerErrorException", "response lost");
      return result;
    };
  }

  const pending: Promise<void>[] = [];
  const unexpected: string[] = [];
  const later = (ms: number, act: () => Promise<void>): void => {
    pending.push(
      sleep(clock, ms)
        .then(act)
        .catch((error: unknown) => {
          if (error instanceof KilledError || error instanceof ConflictError) return;
          if (error instanceof Error && EXPECTED.has(error.name)) return;
          unexpected.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
        }),
    );
  };

  /** Ports of one invocation, which may be killed between any two of its calls, and before or after any of its effects. */
  const portsOf = (timeoutMs: number, isReliable = false) => {
    const fault = (probability: number) => !isReliable && isFaulty() && random.chance(probability);
    const diesAt = fault(0.15) ? clock.now() + random.whole(0, 4_000) : clock.now() + timeoutMs;
    const killedAfter = fault(0.08) ? random.whole(1, 5) : Infinity;
    let calls = 0;
    const call = async <T>(deed: () => Promise<T>): Promise<T> => {
      await sleep(clock, fault(0.15) ? random.whole(10, random.chance(0.4) ? 25_000 : 3_000) : 5);
      if (fault(0.02)) throw new ThrottledError("too many requests");
      if (clock.now() >= diesAt) throw new KilledError("killed before a call");
      if (fault(0.03)) await deed(); // the SDK repeats a request whose response is lost
      const result = await deed();
      if (++calls >= killedAfter || clock.now() >= diesAt) throw new KilledError("killed after a call");
      return result;
    };
    return {
      clock,
      table: {
        read: (id) => call(() => table.read(id)),
        list: (...page) => call(() => table.list(...page)),
        writeEnd: (...end) => call(() => table.writeEnd(...end)),
        writeRedrive: (...marked) => call(() => table.writeRedrive(...marked)),
        writeDecision: (...decided) => call(() => table.writeDecision(...decided)),
      } satisfies TaskTable,
      executions: {
        arnOf: (name) => executions.arnOf(name),
        start: (...started) => call(() => executions.start(...started)),
        describe: (arn) => call(() => executions.describe(arn)),
        stop: (...stopped) => call(() => executions.stop(...stopped)),
        redrive: (...redriven) => call(() => executions.redrive(...redriven)),
        complete: (...completed) => call(() => executions.complete(...completed)),
        endOf: (...asked) => call(() => executions.endOf(...asked)),
        running: () => call(() => executions.running()),
        unsuccessfulSince: (time) => call(() => executions.unsuccessfulSince(time)),
      } satisfies Executions,
    };
  };

  const handle = async (event: EndEvent, attempt = 1): Promise<void> => {
    try {
      await reconcileEvent(event, portsOf(FUNCTION_TIMEOUT_MS));
    } catch (error) {
      // Lambda repeats a failed event twice, and for hours when its function was throttled.
      if (attempt < (finders === "events" ? 9 : 3)) later(attempt * MINUTE_MS, () => handle(event, attempt + 1));
      throw error;
    }
  };
  /** EventBridge: it may lose the event, repeat it, or delay it. */
  const emit = (event: EndEvent): void => {
    if (finders === "sweeps" || (finders === "both" && fault(0.2))) return;
    for (let copies = fault(0.2) ? 2 : 1; copies > 0; copies--)
      later(fault(0.2) ? random.whole(0, 40 * MINUTE_MS) : random.whole(50, 3_000), () => handle(event));
  };

  for (let at = 0; at < FAULTY_MS + RECOVERY_MS; at += 5 * MINUTE_MS)
    later(at + random.whole(0, 20_000), async () => {
      if (finders === "events" || fault(0.1)) return;
      const ports = portsOf(SWEEP_TIMEOUT_MS);
      await sweep(ports, sweepTimes(clock, clock.now() + SWEEP_TIMEOUT_MS, TIME_LIMIT_SECONDS));
    });

  const starts = new Map<string, StartedTask[]>();
  const refused = new Set<string>();
  /** By task: redrives in progress. */
  const redriving = new Map<string, number>();
  const decisions: { readonly task: Task; readonly decision: Decision; readonly by: string }[] = [];
  let people = 0;
  /** Of their own, so that the other worlds stay as they are. */
  const cancellations = new Random(seed + 1);
  const consoles = new Random(seed + 2);
  const hasConsole = consoles.chance(0.4);
  const isCancelledWhenRedriven = cancellations.chance(0.2);
  const ids = Array.from({ length: random.whole(1, 5) }, (_, index) => random.of(["t", "task ü/"]) + String(index));
  const anyTime = () => random.whole(0, FAULTY_MS);

  for (const taskId of ids) {
    const begin = anyTime();
    const amount = random.whole(1, 200);
    const start = (input: number) => async () => {
      const key = `${taskId} ${input}`;
      const ports = portsOf(FUNCTION_TIMEOUT_MS);
      const started = await startTask({ taskId, input: { amount: input } }, ports).catch((error: unknown) => {
        if (error instanceof ConflictError) refused.add(key);
        throw error;
      });
      starts.set(key, [...(starts.get(key) ?? []), started]);
    };
    for (let requests = random.whole(1, 4); requests > 0; requests--)
      later(begin + (random.chance(0.5) ? 0 : random.whole(0, 20 * MINUTE_MS)), start(amount));
    if (random.chance(0.2)) later(begin + random.whole(0, 2_000), start(amount + 1));
    const cancelAt = (at: number) => {
      later(at, async () => {
        const begun = clock.now();
        const task = await cancelTask(taskId, portsOf(FUNCTION_TIMEOUT_MS));
        if (task.status !== "STARTED" || executions.now(task.executionArn).status !== "RUNNING") return;
        // Unless it ended, and was redriven.
        const hasEnded = task.history.some(({ status, at }) => status !== "STARTED" && Date.parse(at) >= begun);
        if (!hasEnded) unexpected.push(`${taskId} runs although its cancellation was accepted`);
      });
    };
    for (let times = random.chance(0.3) ? random.whole(1, 3) : 0; times > 0; times--)
      cancelAt(begin + random.whole(0, random.of([MINUTE_MS, 20 * MINUTE_MS])));
    // By hand, another execution of the same task.
    if (random.chance(0.1))
      later(begin + random.whole(0, 10_000), async () => {
        const arn = executions.arnOf(executionNameOf(taskId));
        if (executions.arns().includes(arn))
          await executions.start(`copy-of-${executionNameOf(taskId)}`, executions.now(arn).input ?? "");
      });
    const decideAt = (at: number) => {
      const decision = random.of(DECISIONS);
      later(at, async () => {
        const by = `arn:aws:iam::000000000000:user/${++people}`;
        const state = random.chance(0.3) ? "Approve" : undefined;
        const task = await decide(taskId, { decision, by, state }, portsOf(FUNCTION_TIMEOUT_MS));
        decisions.push({ task, decision, by });
      });
    };
    for (let times = random.whole(0, 4); times > 0; times--) {
      const at = begin + random.whole(0, APPROVAL_SECONDS * 2 * SECOND_MS);
      decideAt(at);
      if (random.chance(0.4)) decideAt(at + random.whole(0, 50));
    }
    const redrive = async () => {
      // What a killed one leaves, only the sweep finds.
      const ports = portsOf(FUNCTION_TIMEOUT_MS, finders === "events");
      const task = await findTask(taskId, ports);
      if (task.status === "STARTED" && random.chance(0.5)) return;
      redriving.set(taskId, (redriving.get(taskId) ?? 0) + 1);
      try {
        await redriveTask(taskId, ports);
      } catch (error) {
        const isRefused =
          error instanceof ConflictError && error.message.startsWith("Step Functions does not redrive it");
        const [row] = [...versions.values()].filter(([first]) => first?.taskId === taskId).map((rows) => rows.at(-1));
        if (isRefused && redriving.get(taskId) === 1 && row?.status === "STARTED")
          unexpected.push(`${taskId} is STARTED after its redrive was refused`);
        throw error;
      } finally {
        redriving.set(taskId, (redriving.get(taskId) ?? 0) - 1);
      }
    };
    // In the AWS console, which writes no row.
    for (let times = hasConsole ? consoles.whole(1, 4) : 0; times > 0; times--)
      later(begin + consoles.whole(0, 40 * MINUTE_MS), async () => {
        const arn = executions.arnOf(executionNameOf(taskId));
        if (!executions.arns().includes(arn)) return;
        await executions.redrive(arn, `console ${clock.now()}`);
      });
    if (isOwn)
      for (let times = random.whole(0, 6); times > 0; times--) {
        const at = begin + random.whole(0, 40 * MINUTE_MS);
        later(at, redrive);
        if (isCancelledWhenRedriven) cancelAt(at + cancellations.whole(0, 100));
        if (random.chance(0.5)) later(at + random.whole(0, 30), redrive);
      }
  }

  // Executions by hand and rows of another release, of shapes that are not a task's.
  if (random.chance(0.5))
    later(anyTime(), async () => {
      const input = random.of<unknown>([
        5,
        [],
        { taskId: 7 },
        { taskId: "hand" },
        null,
        { taskId: "hand", timestamp: Math.floor(clock.now() / SECOND_MS) },
      ]);
      await executions.start(`hand-${random.whole(0, 3)}`, JSON.stringify(input));
    });
  if (random.chance(0.4))
    later(anyTime(), async () => {
      const at = { S: new Date(clock.now()).toISOString() };
      await table.services["dynamodb:putItem"]({
        TableName: "tasks",
        Item: {
          taskId: { S: `${FOREIGN}row` },
          timestamp: { N: String(Math.floor(clock.now() / SECOND_MS)) },
          status: { S: random.of(["STARTED", "FAILED", "PAUSED"]) },
          ...(random.chance(0.5) && { history: { L: [{ M: { status: { S: "STARTED" }, at } }] } }),
          ...(random.chance(0.7) && { executionArn: { S: "arn:of:another" }, startDate: at }),
        },
      });
    });

  await sleep(clock, FAULTY_MS + RECOVERY_MS);
  while (pending.length > 0) await Promise.all(pending.splice(0));
  return brokenInvariants({ executions, versions, machineEnds, starts, refused, outcomes, decisions, unexpected });
}

/** Ids of rows that another release wrote begin with it. */
const FOREIGN = "foreign-";

/** Errors that callers handle: 404 and 503, and an event that is repeated. */
const EXPECTED = new Set([
  "NotFoundError",
  "NotRedrivableError",
  "UnavailableError",
  "ExecutionNotSettledError",
  "ThrottledError",
]);

const keySchema = z.object({
  Key: z.object({ taskId: z.object({ S: z.string() }), timestamp: z.object({ N: z.string() }) }),
});
