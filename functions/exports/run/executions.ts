/** Executions of the state machine that runs exports. */
import {
  DescribeExecutionCommand,
  StartExecutionCommand,
  type DescribeExecutionCommandOutput,
  type ExecutionStatus,
  type SFNClient,
} from "@aws-sdk/client-sfn";

import { sleep, type Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { parseJson } from "../../shared/input";
import { truncate } from "../../shared/text";
import {
  executionOutputSchema,
  failedStatusSchema,
  type ExecutionOutput,
  type Failure,
  type NewRunRequest,
} from "../contract";

const POLL_INTERVAL_MS = 1_000;

/** The execution failed, timed out or was aborted. */
export class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

/** False also for an execution that Step Functions has deleted (after 90 days). */
export async function isRunning(sfn: SFNClient, executionArn: string): Promise<boolean> {
  return (await endOf(sfn, executionArn)) === "running";
}

/**
 * How an execution ended. `unknown`: Step Functions does not know it, because it has just been started (reads are eventually consistent),
 * or was deleted 90 days after its end.
 */
export async function endOf(sfn: SFNClient, executionArn: string): Promise<ExecutionEnd | "running" | "unknown"> {
  const { status, error, cause } = await describeExecution(sfn, executionArn);
  if (status === undefined) return "unknown";
  return isUnended(status) ? "running" : { status, error, cause };
}

export const isUnended = (status: ExecutionStatus): boolean => status === "RUNNING" || status === "PENDING_REDRIVE";

export interface ExecutionEnd {
  readonly status: ExecutionStatus;
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

/** Why an unfinished run is recorded as failed after its execution's end. */
export function failureOf(execution: string, { status, error, cause }: ExecutionEnd): Failure {
  return {
    // It cannot succeed without finishing its run.
    status: failedStatusSchema.catch("FAILED").parse(status),
    error: error ?? "ExecutionEndedError",
    cause: truncate(cause ?? `the execution is ${status}: ${execution}`, MAX_CAUSE_LENGTH),
    abandoned: false,
  };
}

/** Keeps the item small. */
export const MAX_CAUSE_LENGTH = 2_000;

/**
 * Starts an execution. Idempotent: a second call with the same name starts no second execution.
 *
 * @param name 1 to 80 letters, digits, `-` and `_`
 * @returns its ARN
 */
export async function startExecution(
  sfn: SFNClient,
  stateMachineArn: string,
  name: string,
  request: NewRunRequest,
): Promise<string> {
  try {
    const input = JSON.stringify(request);
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    return executionArn ?? executionArnOf(stateMachineArn, name);
  } catch (error) {
    if (errorName(error) === "ExecutionAlreadyExists") return executionArnOf(stateMachineArn, name);
    throw error;
  }
}

/**
 * Waits for an execution to end, and for those that continue it.
 *
 * @param deadline epoch milliseconds
 * @returns its output; undefined when it is still running at the deadline
 * @throws {@link ExportFailedError}
 */
export async function waitForExecution(
  sfn: SFNClient,
  executionArn: string,
  deadline: number,
  clock: Clock,
): Promise<ExecutionOutput | undefined> {
  for (let current = executionArn; ;) {
    const { status = "RUNNING", output, error, cause } = await describeExecution(sfn, current);
    const ended = status === "SUCCEEDED" ? executionOutputSchema.parse(parseJson(output ?? "")) : undefined;
    if (ended !== undefined && ended.next === undefined) return ended;
    if (ended?.next !== undefined) {
      current = ended.next;
      continue;
    }
    if (!isUnended(status)) throw new ExportFailedError(`${status} ${error ?? ""}: ${cause ?? ""}`);
    if (clock.now() + POLL_INTERVAL_MS > deadline) return undefined;
    await sleep(clock, POLL_INTERVAL_MS);
  }
}

/** Empty for an execution that Step Functions does not know: one that has just started, as reads are eventually consistent. */
export async function describeExecution(
  sfn: SFNClient,
  executionArn: string,
): Promise<Partial<DescribeExecutionCommandOutput>> {
  try {
    return await sfn.send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return {};
    throw error;
  }
}

function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
}
