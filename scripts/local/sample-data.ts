/** Puts sample data into the local environment. */
import { randomUUID } from "node:crypto";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { z } from "zod";
import { LOCAL_REGION } from "../emulator/run";
import { localSettings } from "../emulator/local-settings";
import { outputsOf, pipelineOf, type Features } from "../shared/feature-outputs";
import { ingressClient } from "../shared/ingress-client";

/** The emulator's only account. */
const ACCOUNT = "000000000000";

const heartbeatsSchema = z.object({ check_function_name: z.string(), telemetry_table_name: z.string() });

/** A function or an API refused the sample data. */
export class SampleDataError extends Error {
  override readonly name = "SampleDataError";
}

/**
 * Puts sample data into each deployed feature.
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

/** Always the same, so that it stays one row. */
const SAMPLE_ORDER = {
  jobOrderId: "sample-1",
  revision: 1,
  customer: { id: "c-1", name: "Ada Lovelace" },
  total: 1815.12,
  status: "open",
};

async function sendSampleOrder(endpoint: string, features: Features): Promise<readonly string[]> {
  const environment = { name: "local", features };
  if (!("jobOrder" in outputsOf("pipelines", environment).pipelines)) return [];
  const { endpoint: ingress } = pipelineOf("local", "jobOrder", environment);
  const { status, text } = await ingressClient(ingress, localSettings(endpoint))(JSON.stringify(SAMPLE_ORDER));
  if (status !== 202) throw new SampleDataError(`The ingress of jobOrder answered ${status}: ${text}`);
  return [`order ${SAMPLE_ORDER.jobOrderId} through jobOrder`];
}

async function checkHeartbeatsOnce(
  endpoint: string,
  { check_function_name: checker, telemetry_table_name: table }: z.output<typeof heartbeatsSchema>,
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

/** The event of an EventBridge schedule. */
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
