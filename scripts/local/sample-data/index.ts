/** Puts sample data into the features of the local environment. Idempotent: what exists is left as it is. */
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import * as z from "zod";
import { ConflictError, TimersClient } from "../../../clients/timers";
import { readConfiguration as readExports } from "../../../functions/exports/run/configuration";
import { startExecution } from "../../../functions/exports/run/executions";
import { readConfiguration as readMonitors } from "../../../functions/heartbeats/monitors/configuration";
import { stateTable } from "../../../functions/heartbeats/monitors/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { HOUR_SECONDS } from "../../../functions/shared/time";
import { stepFunctions } from "../../../functions/workflows/task/executions";
import { cancelTask } from "../../../functions/workflows/task/lifecycle";
import { taskTable } from "../../../functions/workflows/task/task-table";
import { localSettings } from "../../emulator/local-settings";
import { LOCAL_REGION } from "../../emulator/run";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { outputsOf, pipelineOf, type Features } from "../../shared/feature-outputs";
import { ingressClient } from "../../shared/aws/ingress-client";
import { HISTORY_DAYS, sampleHistories, saveHistory } from "./heartbeat-history";
import { createS3Client } from "../../shared/aws/s3-client";

/** The emulator's only account. */
const ACCOUNT = "000000000000";

/** The export of main.ts that has something to export on a first start. */
const SAMPLE_EXPORT = "heartbeats";
const SAMPLE_PIPELINE = "jobOrder";

/** The same in each run, so that they stay three rows. */
const SAMPLE_ORDERS = [
  { customer: { id: "c-1", name: "Ada Lovelace" }, total: 1815.12, status: "open" },
  { customer: { id: "c-2", name: "Grace Hopper" }, total: 1906.12, status: "shipped" },
  { customer: { id: "c-3", name: "Alan Turing" }, total: 1912.06, status: "paid" },
].map((order, index) => ({ jobOrderId: `sample-${index + 1}`, revision: 1, ...order }));

const heartbeatsSchema = z.looseObject({ check_function_name: z.string(), state_table_name: z.string() });

/** A function or an API rejected the sample data. */
export class SampleDataError extends Error {
  override readonly name = "SampleDataError";
}

interface Environment {
  readonly name: "local";
  readonly features: Features;
  readonly aws: AwsSettings;
}

const SAMPLES: Readonly<Record<string, (environment: Environment) => Promise<readonly string[]>>> = {
  // An export needs rows of a check.
  heartbeats: async (environment) => [...(await sampleHeartbeats(environment)), ...(await sampleExport(environment))],
  timers: sampleTimers,
  pipelines: sampleOrders,
  workflows: sampleTasks,
};

/**
 * Puts sample data into each deployed feature, side by side.
 * @returns short descriptions for people
 * @throws SampleDataError
 */
export async function putSampleData(endpoint: string, features: Features): Promise<readonly string[]> {
  const environment: Environment = { name: "local", features, aws: localSettings(endpoint) };
  const present = Object.entries(SAMPLES).filter(([feature]) => features[feature] !== undefined);
  return (await Promise.all(present.map(([, put]) => put(environment)))).flat();
}

async function sampleHeartbeats(environment: Environment): Promise<readonly string[]> {
  const outputs = heartbeatsSchema.parse(environment.features["heartbeats"]);
  const { check_function_name: checker, state_table_name: states } = outputs;
  // Before the first check: a check's state begins the history.
  const histories = await putHistories(checker, states, environment.aws);
  await checkOnce(checker, environment.aws);
  return [`a first check${histories > 0 ? ` after ${HISTORY_DAYS} days of sample history` : ""}`];
}

/** @returns of how many monitors */
async function putHistories(checker: string, states: string, aws: AwsSettings): Promise<number> {
  const lambda = new LambdaClient(aws);
  const s3 = createS3Client(aws);
  const dynamodb = new DynamoDBClient(aws);
  try {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: checker }));
    const configuration = await readMonitors(s3, Environment?.Variables?.["CONFIGURATION_BUCKET"] ?? "");
    const table = stateTable(dynamodb, states, { clock: systemClock, random: Math.random });
    const histories = sampleHistories(configuration, systemClock.now());
    const saved = await Promise.all(histories.map((history) => saveHistory(history, table)));
    return saved.filter(Boolean).length;
  } finally {
    for (const client of [lambda, s3, dynamodb]) client.destroy();
  }
}

/** @throws SampleDataError */
export async function checkOnce(checker: string, aws: AwsSettings): Promise<void> {
  await invoke(checker, scheduledEvent(new Date()), aws);
}

/** Starts today's export, and does not wait for it. */
async function sampleExport(environment: Environment): Promise<readonly string[]> {
  if (environment.features["exports"] === undefined) return [];
  const outputs = outputsOf("exports", environment);
  const s3 = createS3Client(environment.aws);
  const sfn = new SFNClient(environment.aws);
  try {
    const { tables } = await readExports(s3, outputs.configuration_bucket_name);
    if (!tables.some(({ name }) => name === SAMPLE_EXPORT)) return [];
    const name = `sample-${new Date().toISOString().slice(0, 10)}`;
    await startExecution(sfn, outputs.state_machine_arn, name, { export: SAMPLE_EXPORT, force: false });
    return [`export ${SAMPLE_EXPORT}`];
  } finally {
    for (const client of [s3, sfn]) client.destroy();
  }
}

async function sampleTimers(environment: Environment): Promise<readonly string[]> {
  const { api_url: url } = outputsOf("timers", environment);
  const { region, credentials } = environment.aws;
  const timers = new TimersClient({ url, region, ...(credentials && { credentials }) });
  const puts = [
    timers.periodic.put("sample-heartbeat", { every: "1 minute", ifVersion: null }),
    timers.periodic.put("sample-report", { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin", ifVersion: null }),
    timers.oneshot.put("sample-reminder", {
      delaySeconds: HOUR_SECONDS,
      timerCallbackData: { order: "sample-1" },
      ifVersion: null,
    }),
  ];
  for (const result of await Promise.allSettled(puts))
    if (result.status === "rejected" && !(result.reason instanceof ConflictError)) throw result.reason;
  return [`${puts.length} timers`];
}

async function sampleOrders(environment: Environment): Promise<readonly string[]> {
  if (!(SAMPLE_PIPELINE in outputsOf("pipelines", environment).pipelines)) return [];
  const { endpoint } = pipelineOf("local", SAMPLE_PIPELINE, environment);
  const post = ingressClient(endpoint, environment.aws);
  const refusals = await Promise.all(
    SAMPLE_ORDERS.map(async (order) => {
      const { status, text } = await post(JSON.stringify(order));
      if (status === 202) return undefined;
      if (status !== 400) throw new SampleDataError(`The ingress of ${SAMPLE_PIPELINE} answered ${status}: ${text}`);
      return text;
    }),
  );
  const accepted = refusals.filter((refusal) => refusal === undefined).length;
  // A pipeline of the user's own, with another key or a schema: no failure of the start.
  return accepted === 0 ? [`no orders: ${SAMPLE_PIPELINE} takes others`] : [`${accepted} orders`];
}

/** A task that is DONE after the wait of its workflow, a cancelled one, and one that is STARTED until its wait is over. */
async function sampleTasks(environment: Environment): Promise<readonly string[]> {
  const { aws } = environment;
  const { task } = outputsOf("workflows", environment).workflows;
  if (task === undefined) return [];
  const { table_name, start_function_name, state_machine_arn, execution_arn_prefix, keep_days } = task;
  const dynamodb = new DynamoDBClient(aws);
  const sfn = new SFNClient(aws);
  try {
    const start = (taskId: string) => invoke(start_function_name, { taskId }, aws);
    await start("sample-done");
    await start("sample-cancelled");
    await cancelTask("sample-cancelled", {
      table: taskTable(dynamodb, table_name, keep_days),
      executions: stepFunctions(sfn, state_machine_arn, execution_arn_prefix),
      clock: systemClock,
    });
    await start("sample-latest");
    return ["3 tasks"];
  } finally {
    for (const client of [dynamodb, sfn]) client.destroy();
  }
}

/** @throws SampleDataError */
async function invoke(functionName: string, event: object, aws: AwsSettings): Promise<void> {
  const lambda = new LambdaClient(aws);
  try {
    const answer = await lambda.send(new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) }));
    if (answer.FunctionError === undefined) return;
    const reply = answer.Payload?.transformToString() ?? "nothing";
    throw new SampleDataError(`${functionName} failed (${answer.FunctionError}): ${reply}`);
  } finally {
    lambda.destroy();
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
