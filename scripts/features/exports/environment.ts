/** Connects to the exports of an environment. Its errors name what is missing. */
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import type { Configuration, ScheduledExport } from "../../../functions/exports/contract";
import { findExport, readConfiguration } from "../../../functions/exports/run/configuration";
import { stateTable, type StateTable } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { errorMessage, errorName } from "../../../functions/shared/errors";
import { findDeployed } from "../../environments/deployed";
import { UsageError, type EnvironmentOptions } from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";
import { createS3Client } from "../../shared/aws/s3-client";

/** What a command needs does not exist. The message names it. */
export class MissingError extends Error {
  override readonly name = "MissingError";
}

export interface DeployedExports {
  readonly configuration: Configuration;
  readonly stateMachineArn: string;
  readonly state: StateTable;
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
}

/** @throws MissingError, and errors of findDeployed */
export async function findExports(options: EnvironmentOptions): Promise<DeployedExports> {
  const deployed = await findDeployed(options);
  const { aws, name } = deployed;
  const outputs = outputsOf("exports", deployed);
  const s3 = createS3Client(aws);
  const dynamodb = new DynamoDBClient(aws);
  const configuration = await orMissing(
    readConfiguration(s3, outputs.configuration_bucket_name),
    ["NoSuchBucket", "NoSuchKey"],
    `s3://${outputs.configuration_bucket_name}/exports.json, the configuration of ${name}'s exports, does not exist: deploy again`,
  );
  return {
    configuration,
    stateMachineArn: outputs.state_machine_arn,
    state: stateTable(dynamodb, outputs.state_table_name, systemClock),
    dynamodb,
    s3,
    sfn: new SFNClient(aws),
  };
}

/**
 * The configuration of a named export; undefined for a job's, `<export>/<application>/<account>/<region>/<table>`, that has run.
 *
 * @throws UsageError for a name that neither has
 */
export async function configurationOf(
  exportId: string,
  { configuration, state }: Pick<DeployedExports, "configuration" | "state">,
): Promise<ScheduledExport | undefined> {
  if (exportId.includes("/") && (await hasRun(exportId, state))) return undefined;
  return exportNamed(exportId, configuration);
}

/** Also one whose record cannot be read. */
async function hasRun(exportId: string, state: StateTable): Promise<boolean> {
  let unreadable = 0;
  const runs = await state.latestRuns(exportId, 1, () => {
    unreadable += 1;
  });
  return runs.length + unreadable > 0;
}

/** @throws UsageError */
export function exportNamed(name: string, configuration: Configuration): ScheduledExport {
  try {
    return findExport(configuration, { export: name });
  } catch (cause) {
    throw new UsageError(errorMessage(cause), { cause });
  }
}

export interface TableSize {
  /** By DynamoDB's last count, up to six hours old. */
  readonly items: number;
  readonly bytes: number;
}

/** @throws MissingError */
export async function sizeOf(config: ScheduledExport, dynamodb: DynamoDBClient): Promise<TableSize> {
  const { Table } = await orMissing(
    dynamodb.send(new DescribeTableCommand({ TableName: config.table })),
    ["ResourceNotFoundException"],
    `the export ${config.name} reads the table ${config.table}, which does not exist: create it, or correct "table" in main.ts`,
  );
  return { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 };
}

/** @throws MissingError with the message, for errors of these names */
export async function orMissing<T>(work: Promise<T>, names: readonly string[], message: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw names.includes(errorName(cause)) ? new MissingError(message, { cause }) : cause;
  }
}
