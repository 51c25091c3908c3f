/** Connects to the schedules of an environment. */
import {
  BatchGetItemCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import {
  CONFIGURATION_KEY,
  readSchedules,
  type ScheduleConfig,
  type Schedules,
} from "../../../functions/schedules/contract";
import {
  runsTable,
  type DynamoCall,
  type DynamoInputs,
  type RunsTable,
} from "../../../functions/schedules/storage/runs-table";
import { ownValue } from "../../../functions/shared/own-value";
import { findDeployed, type Deployed } from "../../environments/deployed";
import { UsageError, type EnvironmentOptions } from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";
import { nearest } from "../../../modules/constructs/nearest";
import { ticksOf, type FeatureTick } from "./feature-ticks";
import { createS3Client } from "../../shared/aws/s3-client";

export interface FoundSchedules {
  readonly deployed: Deployed;
  readonly lambda: LambdaClient;
  /** Those of main.ts by name. Undefined: the environment has none. */
  readonly own: OwnSchedules | undefined;
  /** What other features run on a schedule. */
  readonly ticks: readonly FeatureTick[];
}

export interface OwnSchedules {
  readonly schedules: Schedules;
  readonly table: RunsTable;
  readonly functionPrefix: string;
}

export interface OwnSchedule extends OwnSchedules {
  readonly name: string;
  readonly config: ScheduleConfig;
}

export async function findSchedules(options: EnvironmentOptions): Promise<FoundSchedules> {
  const deployed = await findDeployed(options);
  return { deployed, lambda: new LambdaClient(deployed.aws), ...(await schedulesOf(deployed)) };
}

export async function schedulesOf(deployed: Deployed): Promise<Pick<FoundSchedules, "own" | "ticks">> {
  return {
    own: deployed.features["schedules"] === undefined ? undefined : await ownSchedules(deployed),
    ticks: ticksOf(deployed.name, deployed.state),
  };
}

async function ownSchedules(deployed: Deployed): Promise<OwnSchedules> {
  const outputs = outputsOf("schedules", deployed);
  const s3 = createS3Client(deployed.aws);
  const { Body } = await s3.send(
    new GetObjectCommand({ Bucket: outputs.configuration_bucket_name, Key: CONFIGURATION_KEY }),
  );
  const schedules: Record<string, ScheduleConfig> = {};
  for (const [name, config] of Object.entries(readSchedules((await Body?.transformToString()) ?? "")))
    if (config instanceof Error) console.error(`The schedule ${name} cannot be read: ${config.message}`);
    else schedules[name] = config;
  return {
    schedules,
    table: runsTable(sdkCall(new DynamoDBClient(deployed.aws)), outputs.runs_table_name),
    functionPrefix: outputs.function_prefix,
  };
}

/**
 * The schedule of main.ts with this name.
 *
 * @throws UsageError with the nearest name
 */
export function ownSchedule(
  name: string,
  { deployed, own, ticks }: Pick<FoundSchedules, "own" | "ticks"> & { readonly deployed: Pick<Deployed, "name"> },
): OwnSchedule {
  const config = own && ownValue(own.schedules, name);
  if (own !== undefined && config !== undefined) return { ...own, name, config };
  if (ticks.some((tick) => tick.name === name))
    throw new UsageError(`${name} is a tick of Almanac's own: its runs have no rows. See npx almanac logs ${name}`);
  throw unknownSchedule(name, deployed.name, [...Object.keys(own?.schedules ?? {}), ...ticks.map((tick) => tick.name)]);
}

function unknownSchedule(name: string, environment: string, names: readonly string[]): UsageError {
  const meant = nearest(name, names);
  const help =
    meant === undefined ? ` It has: ${names.length === 0 ? "none" : names.join(", ")}` : ` Did you mean ${meant}?`;
  return new UsageError(`${environment} has no schedule "${name}".${help}`);
}

/** DynamoDB with the SDK's client, which has the caller's credentials. */
function sdkCall(client: DynamoDBClient): DynamoCall {
  const calls: { readonly [Action in keyof DynamoInputs]: (input: DynamoInputs[Action]) => Promise<unknown> } = {
    BatchGetItem: (input) => client.send(new BatchGetItemCommand(input)),
    PutItem: (input) => client.send(new PutItemCommand(input)),
    Query: (input) => client.send(new QueryCommand(input)),
    UpdateItem: (input) => client.send(new UpdateItemCommand(input)),
  };
  return (action, input) => calls[action](input);
}
