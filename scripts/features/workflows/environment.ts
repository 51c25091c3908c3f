/** Connects to a workflow of an environment. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Option, type Command } from "commander";
import { systemClock } from "../../../functions/shared/clock";
import { ownValue } from "../../../functions/shared/own-value";
import { stepFunctions } from "../../../functions/workflows/task/executions";
import { taskTable } from "../../../functions/workflows/task/task-table";
import { findDeployed } from "../../environments/deployed";
import {
  DocumentedCommand,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { NotInEnvironmentError, outputsOf, type Features } from "../../shared/feature-outputs";

export interface WorkflowOptions extends EnvironmentOptions {
  readonly workflow?: string;
}

/** A command with `--workflow`, `--env` and `--json`. */
export function workflowCommand(contents: ConstructorParameters<typeof DocumentedCommand>[0]): Command {
  const option = new Option("--workflow <name>", "its workflow (default: task, or the only one)");
  return withJson(withEnvironment(new DocumentedCommand(contents).addOption(option)));
}

/** @throws {@link NotInEnvironmentError} */
export async function findWorkflow(options: WorkflowOptions) {
  const deployed = await findDeployed(options);
  const { aws } = deployed;
  const workflow = workflowOf(deployed, options.workflow);
  const { table_name, state_machine_arn, execution_arn_prefix, keep_days, is_own } = workflow;
  return {
    /** Its machine is the user's. */
    isOwn: is_own,
    /** The ARN of the credentials' owner. */
    caller: async () => (await new STSClient(aws).send(new GetCallerIdentityCommand({}))).Arn ?? "unknown",
    ports: {
      clock: systemClock,
      table: taskTable(new DynamoDBClient(aws), table_name, keep_days),
      executions: stepFunctions(new SFNClient(aws), state_machine_arn, execution_arn_prefix),
    },
  };
}

/** The outputs of a workflow. @throws {@link NotInEnvironmentError} */
export function workflowOf(
  environment: { readonly name: string; readonly features: Features },
  name: string | undefined,
) {
  const { workflows } = outputsOf("workflows", environment);
  const names = Object.keys(workflows);
  const chosen = name ?? (names.length === 1 ? names[0] : "task") ?? "task";
  const workflow = ownValue(workflows, chosen);
  if (workflow !== undefined) return workflow;
  throw new NotInEnvironmentError(
    `${environment.name} has no workflow "${chosen}". It has: ${names.join(", ")}. Pass --workflow.`,
  );
}
