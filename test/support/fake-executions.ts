/** Step Functions in memory: executions of the task machine itself, on a virtual clock. */
import type { Clock } from "../../functions/shared/clock";
import type { Executions } from "../../functions/workflows/task/executions";
import type { Execution } from "../../functions/workflows/task/task";
import type { Json } from "../../modules/asl/values";
import type { Machine } from "../../modules/asl/machine";
import { runMachine, type Run, type Service } from "./states-interpreter";

const ARN = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflow-task";

export interface FakeExecutions extends Executions {
  readonly run: (name: string) => Run;
  /** All ARNs, in the order of their starts. */
  readonly arns: () => readonly string[];
}

export interface FakeExecutionsOptions {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly services: Readonly<Record<string, Service>>;
  /** Hears of every execution's end, as EventBridge does. @default nobody */
  readonly onEnd?: (arn: string) => void;
}

export function fakeExecutions({ clock, machine, services, onEnd }: FakeExecutionsOptions): FakeExecutions {
  interface Known {
    readonly run: Run;
    readonly input: string;
    readonly startedAt: number;
    stoppedAt?: number;
    error?: string;
    cause?: string;
  }
  const known = new Map<string, Known>();
  const arnOf = (name: string) => `${ARN}:${name}`;
  const of = (arn: string): Known => {
    const found = known.get(arn);
    if (found === undefined) throw new Error(`no execution ${arn}`);
    return found;
  };
  return {
    arnOf,
    arns: () => [...known.keys()],
    run: (name) => of(arnOf(name)).run,

    start: (name, input) => {
      const arn = arnOf(name);
      if (known.has(arn)) return Promise.resolve(undefined);
      const run = runMachine(machine, JSON.parse(input) as Json, { clock, services, name, arn });
      const started: Known = { run, input, startedAt: clock.now() };
      known.set(arn, started);
      void run.ended.then((ended) => {
        started.stoppedAt = clock.now();
        if (ended.status !== "SUCCEEDED") Object.assign(started, { error: ended.error, cause: ended.cause });
        onEnd?.(arn);
      });
      return Promise.resolve({ arn, startedAt: started.startedAt });
    },

    describe: (arn) => {
      const found = known.get(arn);
      if (found === undefined) return Promise.resolve(undefined);
      const { run, input, startedAt, stoppedAt, error, cause } = found;
      const execution: Execution = { arn, status: run.status(), input, startedAt, stoppedAt, error, cause };
      return Promise.resolve(execution);
    },

    stop: async (arn, { error, cause }) => {
      known.get(arn)?.run.abort(error, cause);
      await new Promise(setImmediate); // its end is noted
    },

    endedBadlySince: (time) =>
      Promise.resolve(
        [...known]
          .filter(([, { run }]) => ["FAILED", "TIMED_OUT", "ABORTED"].includes(run.status()))
          .filter(([, { stoppedAt = 0 }]) => stoppedAt >= time)
          .map(([arn]) => arn),
      ),
  };
}
