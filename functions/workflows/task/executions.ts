/** Executions of the state machine, in Step Functions. */
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
  arnOf(name: string): string;
  /** Undefined: an execution has had this name within the last 90 days. */
  start(name: string, input: string): Promise<{ readonly arn: string; readonly startedAt: number } | undefined>;
  /** Undefined: no such execution, or it ended more than 90 days ago. */
  describe(arn: string): Promise<Execution | undefined>;
  /** Aborts an execution. Does nothing when it has ended or does not exist. */
  stop(arn: string, reason: { readonly error: string; readonly cause: string }): Promise<void>;
  /** ARNs of executions that have failed, timed out or been aborted since then (epoch milliseconds). */
  unsuccessfulSince(time: number): Promise<readonly string[]>;
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

    unsuccessfulSince: async (time) => {
      const arns = await Promise.all(UNSUCCESSFUL.map((status) => endedSince(sfn, stateMachineArn, status, time)));
      return arns.flat();
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
      error: described.error,
      cause: described.cause,
    };
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return undefined;
    throw error;
  }
}

async function endedSince(
  sfn: SFNClient,
  stateMachineArn: string,
  statusFilter: ExecutionStatus,
  time: number,
): Promise<string[]> {
  const arns: string[] = [];
  let nextToken: string | undefined;
  do {
    // Sorted by end, latest first.
    const page = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter, nextToken, maxResults: 100 }),
    );
    const recent = (page.executions ?? []).filter(({ stopDate }) => (stopDate?.getTime() ?? 0) >= time);
    arns.push(...recent.map(({ executionArn }) => executionArn ?? ""));
    nextToken = recent.length > 0 && recent.length === page.executions?.length ? page.nextToken : undefined;
  } while (nextToken !== undefined);
  return arns;
}
