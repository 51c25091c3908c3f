/** Executions of the task machine, in Step Functions. */
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  type ExecutionStatus,
  type SFNClient,
} from "@aws-sdk/client-sfn";

import { errorName } from "../../shared/errors";
import type { Execution } from "./task";

export interface Executions {
  /** The ARN of an execution by its name. */
  arnOf(name: string): string;
  /** Starts one; undefined: there has been one of that name within the last 90 days. */
  start(name: string, input: string): Promise<{ readonly arn: string; readonly startedAt: number } | undefined>;
  /** Undefined: there is none, or it ended more than 90 days ago. */
  describe(arn: string): Promise<Execution | undefined>;
  /** Aborts it. One that has ended, or is none, is left as it is. */
  stop(arn: string, why: { readonly error: string; readonly cause: string }): Promise<void>;
  /** ARNs of those that failed, ran out of time or were aborted since then (epoch milliseconds). */
  endedBadlySince(time: number): Promise<readonly string[]>;
}

const BAD_ENDS = ["FAILED", "TIMED_OUT", "ABORTED"] as const satisfies readonly ExecutionStatus[];

/** @param executionsArn what their ARNs begin with, up to the colon before their name */
export function stepFunctions(sfn: SFNClient, machineArn: string, executionsArn: string): Executions {
  return {
    arnOf: (name) => `${executionsArn}:${name}`,

    start: async (name, input) => {
      try {
        const started = await sfn.send(new StartExecutionCommand({ stateMachineArn: machineArn, name, input }));
        return {
          arn: started.executionArn ?? `${executionsArn}:${name}`,
          startedAt: started.startDate?.getTime() ?? 0,
        };
      } catch (error) {
        if (errorName(error) === "ExecutionAlreadyExists") return undefined;
        throw error;
      }
    },

    describe: (arn) => describeExecution(sfn, arn),

    stop: async (executionArn, why) => {
      try {
        await sfn.send(new StopExecutionCommand({ executionArn, ...why }));
      } catch (error) {
        if (!["ExecutionDoesNotExist", "ValidationException"].includes(errorName(error))) throw error;
      }
    },

    endedBadlySince: async (time) => {
      const ended = await Promise.all(BAD_ENDS.map((status) => endedSince(sfn, machineArn, status, time)));
      return ended.flat();
    },
  };
}

/** Undefined: there is none, or it ended more than 90 days ago. */
export async function describeExecution(sfn: SFNClient, executionArn: string): Promise<Execution | undefined> {
  try {
    const found = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    if (found.status === undefined || found.startDate === undefined) return undefined;
    return {
      arn: executionArn,
      status: found.status,
      input: found.input,
      startedAt: found.startDate.getTime(),
      stoppedAt: found.stopDate?.getTime(),
      error: found.error,
      cause: found.cause,
    };
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return undefined;
    throw error;
  }
}

/** Step Functions lists them latest end first. */
async function endedSince(
  sfn: SFNClient,
  stateMachineArn: string,
  statusFilter: ExecutionStatus,
  time: number,
): Promise<string[]> {
  const arns: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter, nextToken, maxResults: 100 }),
    );
    const recent = (page.executions ?? []).filter(({ stopDate }) => (stopDate?.getTime() ?? 0) >= time);
    arns.push(...recent.map(({ executionArn }) => executionArn ?? ""));
    nextToken = recent.length > 0 && recent.length === page.executions?.length ? page.nextToken : undefined;
  } while (nextToken !== undefined);
  return arns;
}
