/** Executions of the state machine that runs exports. */
import { DescribeExecutionCommand, StartExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";

import { errorName } from "../../shared/errors";
import type { RunRequest } from "../contract";

/** Whether an execution is at work. One that is long forgotten is not. */
export async function isRunning(sfn: SFNClient, executionArn: string): Promise<boolean> {
  try {
    const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return status === "RUNNING" || status === "PENDING_REDRIVE";
  } catch (error) {
    if (errorName(error) === "ExecutionDoesNotExist") return false;
    throw error;
  }
}

/**
 * Starts an execution. The same name twice is one execution.
 *
 * @param name 1 to 80 letters, digits, `-` and `_`
 * @returns its ARN
 */
export async function startExecution(
  sfn: SFNClient,
  machine: string,
  name: string,
  request: RunRequest,
): Promise<string> {
  try {
    const input = JSON.stringify(request);
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: machine, name, input }));
    return executionArn ?? ofMachine(machine, name);
  } catch (error) {
    if (errorName(error) === "ExecutionAlreadyExists") return ofMachine(machine, name);
    throw error;
  }
}

/** The ARN of an execution by its name. */
function ofMachine(machine: string, name: string): string {
  return `${machine.replace(":stateMachine:", ":execution:")}:${name}`;
}
