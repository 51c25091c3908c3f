/** What the views read from: the deployed environment, and AWS with the viewer's own credentials. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { ExpiringCache } from "../../../functions/shared/resilience/expiring-cache";
import { SECOND_MS } from "../../../functions/shared/time";
import type { Deployed } from "../../environments/deployed";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { resourcesOfState } from "../../terraform/state";
import type { Resource } from "../../../modules/synthesized/resources";
import { FEATURES, type ClockView } from "../contract";
import { environmentClock, type EnvironmentClock } from "./clock";
import { createS3Client } from "../../shared/aws/s3-client";

export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly logs: CloudWatchLogsClient;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly sqs: SQSClient;
}

/** The environment as it is deployed now. */
export interface Environment extends Deployed, Clients {
  /** The prefix of its names: `almanac`. */
  readonly app: string;
  readonly resources: readonly Resource[];
  /** Undefined: it cannot be moved. */
  readonly clock?: ClockView;
}

export interface Source {
  readonly environment: () => Promise<Environment>;
  /** Epoch milliseconds, of the environment's clock. */
  readonly now: () => number;
}

/** A deployment while the console runs shows after this time. */
const REREAD_MS = 15 * SECOND_MS;

/** @param machineNow epoch milliseconds */
export function sourceOf(
  find: () => Promise<Deployed>,
  machineNow: () => number,
  { now, read }: EnvironmentClock = environmentClock(machineNow),
): Source {
  const environments = new ExpiringCache<Environment>(REREAD_MS, { now: machineNow });
  const clients = clientsOnce();
  const open = async (): Promise<Environment> => {
    const deployed = await find();
    const resources = resourcesOfState(deployed.state);
    const features = Object.fromEntries(Object.entries(deployed.features).sort(([a], [b]) => rankOf(a) - rankOf(b)));
    return { ...deployed, features, ...clients(deployed.aws), resources, app: appOf(resources) };
  };
  return {
    environment: async () => {
      const environment = await environments.get("", open);
      const clock = await read(environment.aws);
      return { ...environment, ...(clock !== undefined && { clock }) };
    },
    now,
  };
}

/** Terraform sorts them by name. */
function rankOf(feature: string): number {
  const rank = FEATURES.findIndex((each) => each === feature);
  return rank === -1 ? FEATURES.length : rank;
}

/** New ones only when the settings change: an emulator that was started again has other keys. */
function clientsOnce(): (aws: AwsSettings) => Clients {
  let known: { readonly settings: string; readonly clients: Clients } | undefined;
  return (aws) => {
    const settings = JSON.stringify(aws);
    if (known?.settings !== settings) known = { settings, clients: clientsFor(aws) };
    return known.clients;
  };
}

function clientsFor(aws: AwsSettings): Clients {
  return {
    dynamodb: new DynamoDBClient(aws),
    logs: new CloudWatchLogsClient({ ...aws, maxAttempts: 8 }),
    s3: createS3Client(aws),
    sfn: new SFNClient(aws),
    sqs: new SQSClient(aws),
  };
}

function appOf(resources: readonly Resource[]): string {
  for (const { values } of resources) {
    const tags = values["tags_all"];
    if (typeof tags === "object" && tags !== null && "App" in tags) return String(tags.App);
  }
  return "almanac";
}
