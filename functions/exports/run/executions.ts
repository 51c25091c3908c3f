/** Executions of the state machine that runs exports. */
import {
  DescribeExecutionCommand,
  StartExecutionCommand,
  type DescribeExecutionCommandOutput,
  type SFNClient,
} from "@aws-sdk/client-sfn";

import { sleep, type Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { parseJson } from "../../shared/input";
import { executionOutputSchema, type ExecutionOutput, type NewRunRequest } from "../contract";

const POLL_INTERVAL_MS = 1_000;

/** The execution failed, timed out or was aborted. */
export class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

/** False also for an execution that Step Functions has deleted (after 90 days). */
export async function isRunning(sfn: SFNClient, executionArn: string): Promise<boolean> {
  const { status } = await describe(sfn, executionArn);
  return status === "RUNNING" || status === "PENDING_REDRIVE";
}

/** The status of an execution that has ended. Undefined also for one that Step Functions does not know yet. */
export async function endedStatus(sfn: SFNClient, executionArn: string): Promise<string | undefined> {
  const { status } = await describe(sfn, executionArn);
  return status === "RUNNING" || status === "PENDING_REDRIVE" ? undefined : status;
}

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
 * Waits for an execution to end.
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
  for (;;) {
    const { status = "RUNNING", output, error, cause } = await describe(sfn, executionArn);
    if (status === "SUCCEEDED") return executionOutputSchema.parse(parseJson(output ?? ""));
    if (status !== "RUNNING") throw new ExportFailedError(`${status} ${error ?? ""}: ${cause ?? ""}`);
    if (clock.now() + POLL_INTERVAL_MS > deadline) return undefined;
    await sleep(clock, POLL_INTERVAL_MS);
  }
}

/** Empty for an execution that Step Functions does not know: one that has just started, as reads are eventually consistent. */
async function describe(sfn: SFNClient, executionArn: string): Promise<Partial<DescribeExecutionCommandOutput>> {
  try {
    return await sfn.send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return {};
    throw error;
  }
}

/** The account in the ARN of a state machine or an execution. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}

function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
}
