/** An in-memory Step Functions: runs the task machine on a virtual clock. */
import type { Clock } from "../../functions/shared/clock";
import type { Executions } from "../../functions/workflows/task/executions";
import type { Execution } from "../../functions/workflows/task/task";
import type { Json } from "../../modules/asl/values";
import type { Machine } from "../../modules/asl/machine";
import { runMachine, type Run, type Service } from "./states-interpreter";

const ARN = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task";

export interface FakeExecutions extends Executions {
  readonly run: (name: string) => Run;
  /** ARNs of all executions, in the order of their starts. */
  readonly arns: () => readonly string[];
}

export interface FakeExecutionsOptions {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly services: Readonly<Record<string, Service>>;
  /** Called at every execution's end, as EventBridge is. @default none */
  readonly onEnd?: (arn: string, stoppedAt: number) => void;
  /** How old the next read is, in milliseconds: Step Functions reads are eventually consistent. @default 0 */
  readonly lag?: () => number;
}

export function fakeExecutions({
  clock,
  machine,
  services,
  onEnd,
  lag = () => 0,
}: FakeExecutionsOptions): FakeExecutions {
  interface StartedExecution {
    readonly run: Run;
    readonly input: string;
    readonly startedAt: number;
    stoppedAt?: number;
    error?: string;
    cause?: string;
  }
  const executions = new Map<string, StartedExecution>();
  const arnOf = (name: string) => `${ARN}:${name}`;
  /** The executions as of a moment ago. */
  const read = () => {
    const asOf = clock.now() - lag();
    return [...executions]
      .filter(([, { startedAt }]) => startedAt <= asOf)
      .map(([arn, { run, input, startedAt, stoppedAt, error, cause }]): Execution => {
        const hasEnded = stoppedAt !== undefined && stoppedAt <= asOf;
        return hasEnded
          ? { arn, status: run.status(), input, startedAt, stoppedAt, error, cause }
          : { arn, status: "RUNNING", input, startedAt, stoppedAt: undefined, error: undefined, cause: undefined };
      });
  };
  const of = (arn: string): StartedExecution => {
    const execution = executions.get(arn);
    if (execution === undefined) throw new Error(`no execution ${arn}`);
    return execution;
  };
  return {
    arnOf,
    arns: () => [...executions.keys()],
    run: (name) => of(arnOf(name)).run,

    start: (name, input) => {
      const arn = arnOf(name);
      if (executions.has(arn)) return Promise.resolve(undefined);
      const run = runMachine(machine, JSON.parse(input) as Json, { clock, services, name, arn });
      const execution: StartedExecution = { run, input, startedAt: clock.now() };
      executions.set(arn, execution);
      void run.ended.then((ended) => {
        execution.stoppedAt = clock.now();
        if (ended.status !== "SUCCEEDED") Object.assign(execution, { error: ended.error, cause: ended.cause });
        onEnd?.(arn, execution.stoppedAt);
      });
      return Promise.resolve({ arn, startedAt: execution.startedAt });
    },

    describe: (arn) => Promise.resolve(read().find((execution) => execution.arn === arn)),

    stop: async (arn, { error, cause }) => {
      executions.get(arn)?.run.abort(error, cause);
      await new Promise(setImmediate); // its end is recorded
    },

    unsuccessfulSince: (time) =>
      Promise.resolve(
        read()
          .filter(({ status }) => ["FAILED", "TIMED_OUT", "ABORTED"].includes(status))
          .map(({ arn, startedAt, stoppedAt = 0 }) => ({ arn, startedAt, stoppedAt }))
          .filter(({ stoppedAt }) => stoppedAt >= time),
      ),

    redrive: () => Promise.reject(new Error("no redrive here")),
    complete: () => Promise.reject(new Error("no tokens here")),

    running: () =>
      Promise.resolve(
        new Set(
          read()
            .filter(({ status }) => status === "RUNNING")
            .map(({ arn }) => arn),
        ),
      ),
  };
}
