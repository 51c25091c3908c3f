/** Puts first data into the local environment, so that there is something to see at once. */
import { randomUUID } from "node:crypto";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { z } from "zod";
import { LOCAL_REGION } from "../emulator/run";
import { openDoor } from "../shared/ingress-client";
import { channelOf } from "../shared/feature-outputs";
import type { AwsSettings } from "../environments/deployed";
import type { Features } from "../emulator/run-record";

/** The emulator's only account. */
const ACCOUNT = "000000000000";

const channelsSchema = z.looseObject({ channels: z.record(z.string(), z.unknown()) });
const heartbeatsSchema = z.object({ check_function_name: z.string(), table_name: z.string() });

/** A function did not do what it was invoked for. */
export class SampleDataError extends Error {
  override readonly name = "SampleDataError";
}

/**
 * Puts sample data into each feature that is there.
 * @returns one line a feature, for people
 * @throws SampleDataError
 */
export async function putSampleData(endpoint: string, features: Features): Promise<readonly string[]> {
  const heartbeats = features["heartbeats"];
  return [
    ...(heartbeats === undefined ? [] : [await checkHeartbeatsOnce(endpoint, heartbeatsSchema.parse(heartbeats))]),
    ...(features["pipelines"] === undefined ? [] : await sendSampleOrder(endpoint, features)),
  ];
}

/** How AWS clients reach the emulator. */
export function localSettings(endpoint: string): AwsSettings {
  return { endpoint, region: LOCAL_REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
}

/** The same each time, so that it is one row however often it is sent. */
const SAMPLE_ORDER = {
  jobOrderId: "sample-1",
  revision: 1,
  customer: { id: "c-1", name: "Ada Lovelace" },
  total: 1815.12,
  status: "open",
};

async function sendSampleOrder(endpoint: string, features: Features): Promise<readonly string[]> {
  if (!("jobOrder" in channelsSchema.parse(features["pipelines"]).channels)) return [];
  const { endpoint: door } = channelOf("local", "jobOrder", { features });
  const { status, text } = await openDoor(door, localSettings(endpoint))(JSON.stringify(SAMPLE_ORDER));
  if (status !== 202) throw new SampleDataError(`the door of jobOrder answered ${status}: ${text}`);
  return [`order ${SAMPLE_ORDER.jobOrderId} through jobOrder`];
}

async function checkHeartbeatsOnce(
  endpoint: string,
  { check_function_name: checker, table_name: table }: z.output<typeof heartbeatsSchema>,
): Promise<string> {
  const settings = localSettings(endpoint);
  const lambda = new LambdaClient(settings);
  const dynamodb = new DynamoDBClient(settings);
  try {
    const answer = await lambda.send(
      new InvokeCommand({ FunctionName: checker, Payload: JSON.stringify(scheduledEvent(new Date())) }),
    );
    if (answer.FunctionError !== undefined) {
      const reply = answer.Payload?.transformToString() ?? "nothing";
      throw new SampleDataError(`${checker} failed (${answer.FunctionError}): ${reply}`);
    }
    const { Count: rows = 0 } = await dynamodb.send(new ScanCommand({ TableName: table, Select: "COUNT" }));
    return `${rows} ${rows === 1 ? "row" : "rows"} in ${table}`;
  } finally {
    lambda.destroy();
    dynamodb.destroy();
  }
}

/** What EventBridge sends when a schedule is due. */
export function scheduledEvent(now: Date): Readonly<Record<string, unknown>> {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "almanac.start",
    account: ACCOUNT,
    time: now.toISOString().replace(/\.\d+Z$/, "Z"),
    region: LOCAL_REGION,
    resources: [],
    detail: {},
  };
}
