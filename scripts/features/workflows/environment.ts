/** Connects to the workflow tasks of an environment. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { systemClock } from "../../../functions/shared/clock";
import { stepFunctions } from "../../../functions/workflows/task/executions";
import { taskTable } from "../../../functions/workflows/task/task-table";
import { findDeployed } from "../../environments/deployed";
import type { EnvironmentOptions } from "../../shared/command-line";
import { outputsOf } from "../../shared/feature-outputs";

export async function findWorkflows(options: EnvironmentOptions) {
  const deployed = await findDeployed(options);
  const { aws } = deployed;
  const { table_name, workflows } = outputsOf("workflows", deployed);
  const { state_machine_arn, execution_arn_prefix, keep_days } = workflows.task;
  return {
    ports: {
      clock: systemClock,
      table: taskTable(new DynamoDBClient(aws), table_name, keep_days),
      executions: stepFunctions(new SFNClient(aws), state_machine_arn, execution_arn_prefix),
    },
  };
}
