/** Marked secrets and hostile text, sent to every input of the running system: found nowhere that people or logs see, or only encoded. */
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { paginateGetParametersByPath, SSMClient } from "@aws-sdk/client-ssm";
import * as z from "zod";
import { readRunning, type RunRecord } from "../../scripts/emulator/run-record";
import { outputsOf, pipelineOf } from "../../scripts/shared/feature-outputs";
import { homeAt } from "../../scripts/shared/home";
import { ingressClient } from "../../scripts/shared/ingress-client";
import { signedFetch } from "../support/signed-fetch";
import { awsConfiguration, eventually, home, npmRun } from "./support/system";

const MARK = "M4rkedS3cret";
let marks = 0;
const secret = () => `${MARK}${++marks}x`;

/** A page, a terminal or Slack would obey it. */
const HOSTILE = "<img src=x onerror=alert(1)> <!channel> *bold*\u001b[31m\u202Egpj.exe\nINFO forged line";
const OBEYED = ["<img", "<!channel>", "\u001b[31m", "\u202E", "\nINFO forged"];

let running: RunRecord;
let deployment: NonNullable<RunRecord["deployment"]>;
let aws: ReturnType<typeof awsConfiguration>;
let startedAt: number;
beforeAll(async () => {
  const record = await readRunning(homeAt(home));
  if (record?.deployment === undefined) throw new Error("npm start did not start an environment");
  running = record;
  deployment = record.deployment;
  aws = awsConfiguration(running.endpoint);
  startedAt = Date.now();
});

const apiSchema = z.looseObject({ api_url: z.string() });
const workflowsSchema = z.looseObject({ workflows: z.looseObject({ task: apiSchema }) });

/** Answers, of errors only: a success may repeat what was sent to the sender. */
const refusals: string[] = [];
async function send(url: string, method: string, body?: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await signedFetch(url, { method, headers, ...(body !== undefined && { body }) }, aws);
  const text = await response.text();
  if (response.status >= 400) refusals.push(`${method} ${response.status} ${text}`);
  return response.status;
}

const brokenBodies = () => [
  `{"a": ${secret()}}`,
  `{"${secret()}": "${secret()}"`,
  JSON.stringify({ [secret()]: { [secret()]: [secret()] } }),
  JSON.stringify([secret()]),
  JSON.stringify(secret()),
  `"${secret()}\\ud800"`,
];

describe("marked secrets and hostile text", () => {
  it("are refused at every endpoint, or kept as data", async () => {
    const { api_url: timers } = apiSchema.parse(deployment.features["timers"]);
    const { api_url: tasks } = workflowsSchema.parse(deployment.features["workflows"]).workflows.task;
    for (const body of brokenBodies()) {
      for (const path of ["/periodic/marked", "/oneshot/marked"]) await send(`${timers}${path}`, "PUT", body);
      await send(`${timers}/batch`, "POST", body);
      await send(`${tasks}/tasks`, "POST", body);
    }
    for (const path of ["/periodic", "/oneshot"])
      for (const query of [`next=${secret()}`, `${secret()}=1`, `limit=${secret()}`])
        expect(await send(`${timers}${path}?${query}`, "GET")).toBe(400);
    expect(await send(`${tasks}/tasks?status=${secret()}`, "GET")).toBe(400);

    const data = { token: secret(), text: HOSTILE };
    const timer = JSON.stringify({ delaySeconds: 1, timerCallbackData: data });
    expect(await send(`${timers}/oneshot/marked-data`, "PUT", timer)).toBe(200);
    expect(await send(`${tasks}/tasks`, "POST", JSON.stringify({ taskId: "marked", input: data }))).toBe(200);
  }, 120_000);

  it("are refused by every pipeline, or become a row", async () => {
    for (const name of ["jobOrder", "invoice", "event"]) {
      const { endpoint, webhookUrl } = pipelineOf("local", name, deployment);
      const post = ingressClient(endpoint, aws);
      for (const body of brokenBodies()) {
        const { status, text } = await post(body);
        if (status >= 400) refusals.push(text);
        if (webhookUrl !== "") {
          const headers = { "stripe-signature": `t=1,v1=${secret()}`, "x-hub-signature-256": `sha256=${secret()}` };
          const response = await fetch(webhookUrl, { method: "POST", body, headers });
          expect(response.status).toBeGreaterThanOrEqual(400);
          refusals.push(await response.text());
        }
      }
    }
    const order = { jobOrderId: "marked-order", revision: 1, customer: { id: "c", name: secret() }, total: HOSTILE };
    const post = ingressClient(pipelineOf("local", "jobOrder", deployment).endpoint, aws);
    expect((await post(JSON.stringify(order))).status).toBe(400); // the total is no number
    const { total: _, ...valid } = order;
    expect(
      (await post(JSON.stringify({ ...valid, customer: { id: HOSTILE, name: order.customer.name } }))).status,
    ).toBe(202);
  }, 120_000);

  it("are refused by every function that parses an event", async () => {
    const lambda = new LambdaClient(aws);
    for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
      for (const { FunctionName } of Functions) {
        // Any event starts an export, which another suite counts.
        if (/-start-(export|jobs)$/.test(FunctionName ?? "")) continue;
        const Payload = JSON.stringify({ [secret()]: secret(), Records: [{ body: secret() }], httpMethod: secret() });
        const { FunctionError, Payload: answer } = await lambda.send(new InvokeCommand({ FunctionName, Payload }));
        if (FunctionError !== undefined) refusals.push(`${FunctionName ?? ""} ${answer?.transformToString() ?? ""}`);
      }
  }, 300_000);

  it("are in no answer, log, state, page or message", async () => {
    const secrets = [MARK, ...(await parameterValues())];
    const found = (where: string, text: string, words = secrets) =>
      words.filter((word) => text.includes(word)).map((word) => `${word} in ${where}: ${around(text, word)}`);

    expect(refusals.length).toBeGreaterThan(50);
    expect(refusals.flatMap((text) => found("an answer", text))).toEqual([]);

    const slack = await eventually(
      async () => (await fetch(`${running.pages?.url ?? ""}/inbox`)).text(),
      (text) => text.includes("marked-order"),
      90_000,
    );
    expect(found("Slack", slack, [MARK, "<!channel>", "\u202E"])).toEqual([]);
    for await (const [key, text] of objects("almanac-local-terraform-state")) expect(found(key, text)).toEqual([]);
    const { status_page_bucket_name: pages } = outputsOf("heartbeats", {
      name: "local",
      features: deployment.features,
    });
    for await (const [key, text] of objects(pages)) expect(found(key, text)).toEqual([]);
    let lines = 0;
    for await (const [group, line] of logLines()) {
      lines += 1;
      expect(found(group, line)).toEqual([]);
    }
    expect(lines).toBeGreaterThan(100);

    const commands = [
      { command: ["logs", "--since", "10m"], words: [...secrets, ...OBEYED] },
      { command: ["status"], words: [...secrets, ...OBEYED] },
      { command: ["workflows", "ls"], words: [...secrets, ...OBEYED] },
      // Has the data of timers.
      { command: ["timers", "ls", "--once"], words: OBEYED },
    ];
    for (const {
      command: [command = "", ...args],
      words,
    } of commands) {
      const { output } = await npmRun(command, ...args, "--home", home);
      expect(found([command, ...args].join(" "), output, words)).toEqual([]);
    }
  }, 300_000);
});

const around = (text: string, word: string): string => {
  const at = text.indexOf(word);
  return JSON.stringify(text.slice(Math.max(0, at - 200), at + 100));
};

/** What is secret already: webhook URLs and keys in SSM. */
async function parameterValues(): Promise<readonly string[]> {
  const values: string[] = [];
  const input = { Path: "/almanac", Recursive: true, WithDecryption: true };
  for await (const { Parameters = [] } of paginateGetParametersByPath({ client: new SSMClient(aws) }, input))
    // Shorter ones of the tests are words that stand everywhere: "secret".
    values.push(...Parameters.flatMap(({ Value = "" }) => (Value.length < 16 ? [] : [Value])));
  expect(values.length).toBeGreaterThan(0);
  return values;
}

async function* objects(Bucket: string): AsyncGenerator<readonly [string, string]> {
  const s3 = new S3Client(aws);
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket }))
    for (const { Key = "" } of Contents) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      yield [`s3://${Bucket}/${Key}`, (await Body?.transformToString()) ?? ""];
    }
}

async function* logLines(): AsyncGenerator<readonly [string, string]> {
  const client = new CloudWatchLogsClient(aws);
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {}))
    for (const { logGroupName = "" } of logGroups)
      for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime: startedAt }))
        for (const { message = "" } of events) yield [logGroupName, message];
}
