/** An in-memory Step Functions: runs the task machine on a virtual clock. */
import type { Clock } from "../../functions/shared/clock";
import * as z from "zod";
import {
  NotRedrivableError,
  type Executions,
  type ListedExecution,
  type StateEnd,
  type StateOutcome,
} from "../../functions/workflows/task/executions";
import type { Execution } from "../../functions/workflows/task/task";
import type { Json } from "../../modules/asl/values";
import type { Machine } from "../../modules/asl/machine";
import { runMachine, StatesError, type Run, type Service } from "./states-interpreter";

const ARN = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task";

class InvalidArnError extends Error {
  override readonly name = "InvalidArn";
}

export interface FakeExecutions extends Executions {
  readonly run: (name: string) => Run;
  /** An execution as it is, not as it is read. */
  readonly now: (arn: string) => Execution;
  /** When it was redriven, oldest first. Epoch milliseconds. */
  readonly redrivesOf: (arn: string) => readonly number[];
  /** ARNs of all executions, in the order of their starts. */
  readonly arns: () => readonly string[];
}

export interface FakeExecutionsOptions {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly services: Readonly<Record<string, Service>>;
  /** Called at every execution's end, as EventBridge is. @default none */
  readonly onEnd?: (arn: string, stoppedAt: number) => void;
  /** Called at every redrive, as EventBridge is. @default none */
  readonly onRedrive?: (arn: string, at: number) => void;
  /** Called with each outcome that a waiting state has accepted. @default none */
  readonly onOutcome?: (token: string, outcome: StateOutcome) => void;
  /** How old the next read is, in milliseconds: Step Functions reads are eventually consistent. @default 0 */
  readonly lag?: (call: "describe" | "list") => number;
  /** True: Step Functions refuses this redrive. @default never */
  readonly isRefused?: (arn: string, token: string) => boolean;
}

/** A run of an execution: its first one, or one after a redrive. Times in epoch milliseconds. */
interface Period {
  readonly run: Run;
  readonly from: number;
  stoppedAt?: number;
  ended?: { readonly error?: string; readonly cause?: string; readonly output?: string };
}

interface StartedExecution {
  readonly input: string;
  readonly startedAt: number;
  /** Oldest first. */
  readonly periods: Period[];
  readonly redriveTokens: Set<string>;
}

/** A state that waits for its token. */
interface Waiting {
  readonly isOpen: () => boolean;
  readonly end: (outcome: StateOutcome) => void;
}

export function fakeExecutions({
  clock,
  machine,
  services,
  onEnd,
  onRedrive,
  onOutcome,
  lag = () => 0,
  isRefused = () => false,
}: FakeExecutionsOptions): FakeExecutions {
  const executions = new Map<string, StartedExecution>();
  const waiting = new Map<string, Waiting>();
  const ends = new Map<string, StateEnd>();
  const arnOf = (name: string) => `${ARN}:${name}`;
  /** An execution as of a moment ago. */
  const asOf = (time: number, arn: string, { input, startedAt, periods }: StartedExecution): Execution => {
    const index = periods.findLastIndex(({ from }) => from <= time);
    const { run, from, stoppedAt = Infinity, ended } = periods[index] ?? lastOf(arn);
    const common = { arn, input, startedAt, ...(index > 0 && { redrivenAt: from }) };
    return stoppedAt <= time
      ? { ...common, status: run.status(), stoppedAt, error: ended?.error, cause: ended?.cause, output: ended?.output }
      : { ...common, status: "RUNNING", stoppedAt: undefined, error: undefined, cause: undefined };
  };
  const read = (call: "describe" | "list") => {
    const time = clock.now() - lag(call);
    return [...executions]
      .filter(([, { startedAt }]) => startedAt <= time)
      .map(([arn, execution]) => asOf(time, arn, execution));
  };
  const of = (arn: string): StartedExecution => {
    const execution = executions.get(arn);
    if (execution === undefined) throw new Error(`no execution ${arn}`);
    return execution;
  };
  const lastOf = (arn: string): Period => {
    const period = of(arn).periods.at(-1);
    if (period === undefined) throw new Error(`${arn} has no run`);
    return period;
  };
  const waitForToken: Service = async (parameters, { token = "", signal, ...context }) => {
    await request(services)["dynamodb:updateItem"](parameters, { signal, ...context });
    return new Promise<Json>((resolve, reject) => {
      waiting.set(token, {
        isOpen: () => !signal.aborted,
        end: (outcome) => {
          if ("output" in outcome) resolve(z.json().parse(JSON.parse(JSON.stringify(outcome.output))));
          else reject(new StatesError(outcome.error, outcome.cause));
        },
      });
    });
  };
  const begin = (arn: string, resumeAt?: string): void => {
    const { input, startedAt, periods } = of(arn);
    const name = arn.slice(ARN.length + 1);
    const run = runMachine(machine, z.json().parse(JSON.parse(input)), {
      clock,
      services: { ...services, "aws-sdk:dynamodb:updateItem.waitForTaskToken": waitForToken },
      name,
      arn,
      startedAt,
      ...(resumeAt !== undefined && { resumeAt, redriveCount: periods.length }),
    });
    const period: Period = { run, from: clock.now() };
    periods.push(period);
    void run.ended.then((ended) => {
      period.stoppedAt = clock.now();
      period.ended = ended.status === "SUCCEEDED" ? { output: JSON.stringify(ended.output) } : ended;
      onEnd?.(arn, period.stoppedAt);
    });
  };
  return {
    arnOf,
    arns: () => [...executions.keys()],
    run: (name) => lastOf(arnOf(name)).run,
    redrivesOf: (arn) =>
      of(arn)
        .periods.slice(1)
        .map(({ from }) => from),
    now: (arn) => asOf(clock.now(), arn, of(arn)),

    start: (name, input) => {
      const arn = arnOf(name);
      const known = executions.get(arn);
      // As Step Functions: a repeated request has the same response while the execution runs.
      if (known?.input === input && lastOf(arn).run.status() === "RUNNING")
        return Promise.resolve({ arn, startedAt: known.startedAt });
      if (known !== undefined) return Promise.resolve(undefined);
      const startedAt = clock.now();
      executions.set(arn, { input, startedAt, periods: [], redriveTokens: new Set() });
      begin(arn);
      return Promise.resolve({ arn, startedAt });
    },

    describe: (arn) => {
      if (!arn.startsWith(ARN)) return Promise.reject(new InvalidArnError(arn));
      return Promise.resolve(read("describe").find((execution) => execution.arn === arn));
    },

    stop: async (arn, { error, cause }) => {
      executions.get(arn)?.periods.at(-1)?.run.abort(error, cause);
      await new Promise(setImmediate); // its end is recorded
    },

    unsuccessfulSince: (time) =>
      Promise.resolve(
        read("list")
          .filter(({ status }) => ["FAILED", "TIMED_OUT", "ABORTED"].includes(status))
          .map(listed)
          .filter(({ stoppedAt }) => stoppedAt >= time),
      ),

    redrive: (arn, token) => {
      const execution = executions.get(arn);
      if (execution?.redriveTokens.has(token) === true) return Promise.resolve();
      const { run, stoppedAt } = lastOf(arn);
      if (stoppedAt === undefined || run.status() === "SUCCEEDED" || isRefused(arn, token))
        return Promise.reject(new NotRedrivableError(`the execution is ${run.status()}`));
      execution?.redriveTokens.add(token);
      begin(arn, run.path.at(-1));
      onRedrive?.(arn, lastOf(arn).from);
      return Promise.resolve();
    },

    complete: (token, outcome) => {
      const state = waiting.get(token);
      const [arn = ""] = token.split("/");
      waiting.delete(token);
      if (state?.isOpen() !== true || lastOf(arn).run.status() !== "RUNNING") return Promise.resolve(false);
      onOutcome?.(token, outcome);
      state.end(outcome);
      ends.set(token, endOf(outcome, clock.now()));
      return Promise.resolve(true);
    },

    endOf: (_, token) => Promise.resolve(ends.get(token)),

    running: () =>
      Promise.resolve(
        new Map(
          read("list")
            .filter(({ status }) => status === "RUNNING")
            .map((execution) => [execution.arn, listed(execution)]),
        ),
      ),
  };
}

/** As the history of an execution has it. */
export function endOf(outcome: StateOutcome, at: number): StateEnd {
  return { at, ...("output" in outcome ? { output: JSON.stringify(outcome.output) } : outcome) };
}

function listed({ arn, startedAt, stoppedAt = 0, redrivenAt }: Execution): ListedExecution {
  return { arn, startedAt, stoppedAt, isRedriven: redrivenAt !== undefined };
}

function request(services: FakeExecutionsOptions["services"]): { readonly "dynamodb:updateItem": Service } {
  const update = services["dynamodb:updateItem"];
  if (update === undefined) throw new Error("no service dynamodb:updateItem");
  return { "dynamodb:updateItem": update };
}
