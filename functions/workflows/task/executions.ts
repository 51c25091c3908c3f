/** Executions of the state machine, in Step Functions. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  RedriveExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  type ExecutionStatus,
  type HistoryEvent,
  type SFNClient,
} from "@aws-sdk/client-sfn";

import { errorMessage, errorName } from "../../shared/errors";
import { parseJson } from "../../shared/input";
import type { Execution } from "./task";

export interface Executions {
  arnOf(name: string): string;
  /** Undefined: an execution has had this name within the last 90 days. */
  start(name: string, input: string): Promise<{ readonly arn: string; readonly startedAt: number } | undefined>;
  /**
   * Undefined: no such execution, or it ended more than 90 days ago. Eventually consistent: an execution that was started a moment ago can
   * be missing, and one that has ended can be RUNNING.
   */
  describe(arn: string): Promise<Execution | undefined>;
  /** Aborts an execution. Does nothing when it has ended or does not exist. */
  stop(arn: string, reason: { readonly error: string; readonly cause: string }): Promise<void>;
  /**
   * Runs an execution again from the state that failed. Idempotent within 15 minutes.
   *
   * @param token the same for repeated requests
   * @throws {@link NotRedrivableError}
   */
  redrive(arn: string, token: string): Promise<void>;
  /** Ends the state that waits for this token. Returns false when it no longer waits. */
  complete(token: string, outcome: StateOutcome): Promise<boolean>;
  /** How the state ended that waited for this token, as the execution's history has it. Undefined: it has no end there, or not yet. */
  endOf(arn: string, token: string): Promise<StateEnd | undefined>;
  /** ARNs of executions that run. Eventually consistent. */
  running(): Promise<ReadonlyMap<string, ListedExecution>>;
  /** Executions that have failed, timed out or been aborted since then (epoch milliseconds). Eventually consistent. */
  unsuccessfulSince(time: number): Promise<readonly ListedExecution[]>;
}

/** How a state that waits for a token ends: with an output, or with an error. */
export type StateOutcome = { readonly output: object } | { readonly error: string; readonly cause: string };

/** How a state has ended: with an output (JSON), or with an error. `at` in epoch milliseconds. */
export interface StateEnd {
  readonly at: number;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

/** Step Functions does not redrive the execution. */
export class NotRedrivableError extends Error {
  override readonly name = "NotRedrivableError";
}

const NOT_REDRIVABLE = ["ExecutionNotRedrivable", "ExecutionDoesNotExist"];
const CLOSED_TOKEN = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

export interface ListedExecution {
  readonly arn: string;
  readonly startedAt: number;
  readonly stoppedAt: number;
  /** Whether it was redriven, here or in the console. */
  readonly isRedriven: boolean;
}

const UNSUCCESSFUL = ["FAILED", "TIMED_OUT", "ABORTED"] as const satisfies readonly ExecutionStatus[];

/** @param arnPrefix of executions, without the colon before their name */
export function stepFunctions(sfn: SFNClient, stateMachineArn: string, arnPrefix: string): Executions {
  const arnOf = (name: string) => `${arnPrefix}:${name}`;
  return {
    arnOf,

    start: async (name, input) => {
      try {
        const started = await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
        return { arn: started.executionArn ?? arnOf(name), startedAt: started.startDate?.getTime() ?? 0 };
      } catch (error) {
        if (errorName(error) === "ExecutionAlreadyExists") return undefined;
        throw error;
      }
    },

    describe: (arn) => describeExecution(sfn, arn),

    stop: async (executionArn, reason) => {
      try {
        await sfn.send(new StopExecutionCommand({ executionArn, ...reason }));
      } catch (error) {
        if (!["ExecutionDoesNotExist", "ValidationException"].includes(errorName(error))) throw error;
      }
    },

    redrive: async (executionArn, clientToken) => {
      try {
        await sfn.send(new RedriveExecutionCommand({ executionArn, clientToken }));
      } catch (error) {
        if (!NOT_REDRIVABLE.includes(errorName(error))) throw error;
        throw new NotRedrivableError(errorMessage(error), { cause: error });
      }
    },

    complete: async (taskToken, outcome) => {
      try {
        await ("output" in outcome
          ? sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(outcome.output) }))
          : sfn.send(new SendTaskFailureCommand({ taskToken, ...outcome })));
        return true;
      } catch (error) {
        if (CLOSED_TOKEN.includes(errorName(error))) return false;
        throw error;
      }
    },

    endOf: (arn, token) => endOfState(sfn, arn, token),

    running: async () => {
      const found = new Map<string, ListedExecution>();
      for await (const page of listPages(sfn, stateMachineArn, "RUNNING"))
        for (const execution of page) found.set(execution.arn, execution);
      return found;
    },

    unsuccessfulSince: async (time) => {
      const ended = await Promise.all(
        UNSUCCESSFUL.map(async (status) => {
          const found: ListedExecution[] = [];
          for await (const page of listPages(sfn, stateMachineArn, status)) {
            const recent = page.filter(({ stoppedAt }) => stoppedAt >= time);
            found.push(...recent);
            // Sorted by time, latest first: AWS does not say by which. By either, later pages have no execution that also started since.
            if (recent.length === 0) break;
          }
          return found;
        }),
      );
      return ended.flat();
    },
  };
}

/** Undefined: no such execution, or it ended more than 90 days ago. */
export async function describeExecution(sfn: SFNClient, executionArn: string): Promise<Execution | undefined> {
  try {
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    if (described.status === undefined || described.startDate === undefined) return undefined;
    return {
      arn: executionArn,
      status: described.status,
      input: described.input,
      startedAt: described.startDate.getTime(),
      stoppedAt: described.stopDate?.getTime(),
      redrivenAt: described.redriveDate?.getTime(),
      error: described.error,
      cause: described.cause,
      output: described.output,
    };
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return undefined;
    throw error;
  }
}

/** From the latest event back to the one that has the token. The events of a state name each other, also beside those of parallel states. */
async function endOfState(sfn: SFNClient, executionArn: string, token: string): Promise<StateEnd | undefined> {
  const followers = new Map<number, HistoryEvent>();
  let nextToken: string | undefined;
  do {
    const page = await sfn.send(
      new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: PAGE_SIZE, nextToken }),
    );
    for (const event of page.events ?? []) {
      followers.set(event.previousEventId ?? 0, event);
      if (!hasText(event.taskScheduledEventDetails?.parameters, token)) continue;
      let last = event;
      for (let next = followers.get(last.id ?? 0); next !== undefined; next = followers.get(last.id ?? 0)) {
        const { taskSucceededEventDetails, taskFailedEventDetails, taskTimedOutEventDetails, timestamp } = next;
        const details = taskSucceededEventDetails ?? taskFailedEventDetails ?? taskTimedOutEventDetails;
        if (details !== undefined) return { at: timestamp?.getTime() ?? 0, ...details };
        last = next;
      }
      return undefined;
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return undefined;
}

/** @param json in which any character of a text may be escaped */
function hasText(json: string | undefined, text: string): boolean {
  return json !== undefined && JSON.stringify(parseJson(json)).includes(JSON.stringify(text));
}

/** ListExecutions' and GetExecutionHistory's maximum. The first one's quota is 5 requests a second for the whole account. */
const PAGE_SIZE = 1_000;

async function* listPages(
  sfn: SFNClient,
  stateMachineArn: string,
  statusFilter: ExecutionStatus,
): AsyncGenerator<readonly ListedExecution[]> {
  let nextToken: string | undefined;
  do {
    const page = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter, nextToken, maxResults: PAGE_SIZE }),
    );
    yield (page.executions ?? []).map(({ executionArn = "", startDate, stopDate, redriveCount = 0 }) => ({
      arn: executionArn,
      startedAt: startDate?.getTime() ?? 0,
      stoppedAt: stopDate?.getTime() ?? 0,
      isRedriven: redriveCount > 0,
    }));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}
