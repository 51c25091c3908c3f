/** Marked secrets and hostile text, sent to every input of the running system: found nowhere that people or logs see, or only encoded. */
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { DynamoDBClient, paginateListTables, paginateScan } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListBucketsCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { ListTopicsCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { paginateGetParametersByPath, SSMClient } from "@aws-sdk/client-ssm";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { readRunning, type RunRecord } from "../../scripts/emulator/run-record";
import { outputsOf, pipelineOf } from "../../scripts/shared/feature-outputs";
import { homeAt } from "../../scripts/shared/home";
import { ingressClient } from "../../scripts/shared/aws/ingress-client";
import { scheduledEvent } from "../support/lambda";
import { HOSTILE, MARK, OBEYED, secret } from "../support/marked";
import { signedFetch } from "../support/signed-fetch";
import { awsConfiguration, eventually, home, npmRun } from "./support/system";

let running: RunRecord;
let deployment: NonNullable<RunRecord["deployment"]>;
let aws: ReturnType<typeof awsConfiguration>;
let startedAt: number;
/** Gets what the notification topic sends. */
let notificationsQueueUrl: string;
beforeAll(async () => {
  const record = await readRunning(homeAt(home));
  if (record?.deployment === undefined) throw new Error("npm start did not start an environment");
  running = record;
  deployment = record.deployment;
  aws = awsConfiguration(running.endpoint);
  startedAt = Date.now();
  notificationsQueueUrl = await subscribedQueue();
});

const apiSchema = z.looseObject({ api_url: z.string() });
const workflowsSchema = z.looseObject({ workflows: z.record(z.string(), apiSchema) });
const heartbeatsSchema = z.looseObject({
  heartbeat_url: z.string(),
  ping_url: z.string(),
  check_function_name: z.string(),
});

/** Answers, of errors only: a success may repeat what was sent to the sender. */
const refusals: string[] = [];
async function send(url: string, method: string, body?: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await signedFetch(url, { method, headers, ...(body !== undefined && { body }) }, aws);
  return statusOf(`${method} `, response);
}

async function sendUnsigned(url: string, init: RequestInit) {
  return statusOf("unsigned ", await fetch(url, init));
}

async function statusOf(what: string, response: Response) {
  const text = await response.text();
  // Headers are answers, too.
  if (response.status >= 400)
    refusals.push(`${what}${response.status} ${text} ${JSON.stringify([...response.headers])}`);
  return response.status;
}

/** Headers that anything in the way may read or log. */
const markedHeaders = () => ({
  "X-Marked": secret(),
  Cookie: `session=${secret()}`,
  "User-Agent": secret(),
  "Idempotency-Key": secret(),
  Accept: secret(),
});

const brokenBodies = () => [
  `{"a": ${secret()}}`,
  `{"${secret()}": "${secret()}"`,
  JSON.stringify({ [secret()]: { [secret()]: [secret()] } }),
  JSON.stringify([secret()]),
  JSON.stringify(secret()),
  `"${secret()}\\ud800"`,
];

afterAll(() => new SQSClient(aws).send(new DeleteQueueCommand({ QueueUrl: notificationsQueueUrl })));

describe("marked secrets and hostile text", () => {
  it("are refused at every route of timers and workflows, or kept as data", async () => {
    const { api_url: timers } = apiSchema.parse(deployment.features["timers"]);
    const { workflows } = workflowsSchema.parse(deployment.features["workflows"]);
    const urls = Object.values(workflows).map(({ api_url }) => api_url);
    for (const body of brokenBodies()) {
      for (const kind of ["periodic", "oneshot"]) {
        await send(`${timers}/${kind}/marked`, "PUT", body, markedHeaders());
        await send(`${timers}/${kind}`, "POST", body);
        for (const verb of ["fire", "pause", "preview"]) await send(`${timers}/${kind}/marked/${verb}`, "POST", body);
      }
      await send(`${timers}/batch`, "POST", body);
      await send(
        `${timers}/batch`,
        "POST",
        JSON.stringify({ requests: [{ method: "PUT", path: "/periodic/marked", body }] }),
      );
      for (const url of urls) await send(`${url}/tasks`, "POST", body, markedHeaders());
    }
    const lists = [...["periodic", "oneshot"].map((kind) => `${timers}/${kind}`), ...urls.map((url) => `${url}/tasks`)];
    const queries = () => [
      `next=${secret()}`,
      `${secret()}=1`,
      `limit=${secret()}`,
      `status=${secret()}`,
      `dueBefore=${secret()}`,
    ];
    for (const list of lists)
      for (const query of queries()) expect([query, await send(`${list}?${query}`, "GET")]).toEqual([query, 400]);
    const verbs = ["fires", "preview", "audit"].map((verb) => `${timers}/oneshot/marked/${verb}`);
    for (const verb of verbs) for (const query of queries()) await send(`${verb}?${query}`, "GET");
    // Ids are logged, so these have hostile text and no secret.
    const id = encodeURIComponent(HOSTILE);
    for (const url of [`${timers}/periodic`, `${timers}/oneshot`, ...urls.map((each) => `${each}/tasks`)])
      for (const method of ["GET", "DELETE"]) expect(await send(`${url}/${id}`, method)).toBeGreaterThanOrEqual(200);

    const data = { token: secret(), text: HOSTILE };
    const timer = JSON.stringify({ delaySeconds: 1, timerCallbackData: data });
    expect(await send(`${timers}/oneshot/marked-data`, "PUT", timer)).toBe(200);
    expect(
      await send(
        `${workflows["task"]?.api_url ?? ""}/tasks`,
        "POST",
        JSON.stringify({ taskId: "marked", input: data }),
      ),
    ).toBe(200);
  });

  it("are refused by the API of jobs and by ping URLs, or are a job's output", async () => {
    const { heartbeat_url: reports, ping_url: pings } = heartbeatsSchema.parse(deployment.features["heartbeats"]);
    for (const body of brokenBodies())
      for (const path of ["marked-job", "marked-job/fail", "marked-job/17", "unknown", `unknown/${MARK.slice(0, 4)}`])
        await send(`${reports}/${path}`, "POST", body, markedHeaders());
    for (const path of [secret(), `marked-job.${secret()}`, `${secret()}/fail`, `marked-job/${secret()}`])
      for (const init of [{}, { method: "POST", body: `${secret()} ${HOSTILE}` }])
        expect(
          await sendUnsigned(`${pings}/${path}?${secret()}=${secret()}`, { ...init, headers: markedHeaders() }),
        ).toBeGreaterThanOrEqual(400);
    const log = `${secret()}\n${HOSTILE}`;
    expect(await send(`${reports}/marked-job/fail`, "POST", JSON.stringify({ log }))).toBe(200);
  });

  it("are the answers of targets, and what people say about their incidents", async () => {
    const { check_function_name: FunctionName } = heartbeatsSchema.parse(deployment.features["heartbeats"]);
    const event = scheduledEvent({ source: "almanac.test", time: new Date().toISOString() });
    await new LambdaClient(aws).send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
    const id = await eventually(
      async () => {
        const { output } = await npmRun("incidents", "ls", "--json", "--home", home);
        return /"id":"(marked\.\d[^"]*)"/.exec(output)?.[1] ?? "";
      },
      (found) => found !== "",
    );
    const words = ["incidents", "update", id, HOSTILE, "--status", "investigating", "--home", home] as const;
    expect(await npmRun(...words)).toMatchObject({ code: 0 });
  });

  it("are refused by the servers on this machine, without any of it in their answers", async () => {
    for (const server of [running.pages?.url, running.console?.url]) {
      if (server === undefined) throw new Error("npm start serves no pages");
      for (const path of ["", `/${secret()}`, `/api/${secret()}`, "/api/timers", "/api/session", "/inbox"])
        for (const method of ["GET", "POST", "PUT"])
          await sendUnsigned(`${server}${path}?${secret()}=${secret()}`, {
            method,
            headers: { ...markedHeaders(), Authorization: `Bearer ${secret()}`, "Content-Type": "application/json" },
            ...(method !== "GET" && { body: `{"token": ${secret()}` }),
          });
    }
    await sendUnsigned(`${running.endpoint}/${secret().toLowerCase()}?${secret()}`, { headers: markedHeaders() });
  });

  it("are the input of a schedule, which its function refuses", async () => {
    const run = [
      "schedules",
      "run",
      "markedRun",
      "--input",
      JSON.stringify({ ms: secret(), text: HOSTILE }),
      "--home",
      home,
    ] as const;
    await npmRun(...run);
    const runs = await npmRun("schedules", "runs", "markedRun", "--home", home);
    refusals.push(runs.output);
    for (const word of OBEYED) expect(runs.output).not.toContain(word);
  });

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
  });

  it("are refused by every function that parses an event", async () => {
    const lambda = new LambdaClient(aws);
    for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
      for (const { FunctionName } of Functions) {
        if (!isOfLocal(FunctionName ?? "")) continue;
        // Any event starts an export, which another suite counts.
        if (/-start-(export|jobs)$/.test(FunctionName ?? "")) continue;
        const Payload = JSON.stringify({ [secret()]: secret(), Records: [{ body: secret() }], httpMethod: secret() });
        const { FunctionError, Payload: answer } = await lambda.send(new InvokeCommand({ FunctionName, Payload }));
        if (FunctionError !== undefined) refusals.push(`${FunctionName ?? ""} ${answer?.transformToString() ?? ""}`);
      }
  });

  it("are in no answer, log, state, page, feed, notification or message", async () => {
    const secrets = [MARK, ...(await parameterValues())];
    const found = (where: string, text: string, words = secrets) =>
      words.filter((word) => text.includes(word)).map((word) => `${word} in ${where}: ${around(text, word)}`);

    expect(refusals.length).toBeGreaterThan(200);
    expect(refusals.flatMap((text) => found("an answer", text))).toEqual([]);

    const slack = await eventually(
      async () => (await fetch(`${running.pages?.url ?? ""}/inbox`)).text(),
      (text) => text.includes("marked-order"),
    );
    expect(found("Slack", slack, [MARK, "<!channel>", "\u202E"])).toEqual([]);

    // The archive, exports and results have the data.
    const { Buckets = [] } = await new S3Client(aws).send(new ListBucketsCommand({}));
    const buckets = Buckets.flatMap(({ Name = "" }) =>
      isOfLocal(Name) && !/archive|export|result/.test(Name) ? [Name] : [],
    );
    expect(buckets.join()).toMatch(/terraform-state.*|status-page.*/);
    const pages = outputsOf("heartbeats", { name: "local", features: deployment.features }).status_page_bucket_name;
    for (const bucket of buckets)
      for await (const [key, text] of objects(bucket)) {
        expect(found(key, text)).toEqual([]);
        // A line break of markup is a space.
        const obeyed = OBEYED.filter((word) => !word.startsWith("\n"));
        if (bucket === pages && /\.(html|svg|xml)$/.test(key)) expect(found(key, text, obeyed)).toEqual([]);
        if (key.endsWith("feed.json")) expect(found(key, text, ["\u202E", "\\u001b"])).toEqual([]);
      }

    const notifications: string[] = [];
    await eventually(
      async () => {
        notifications.push(...(await receivedNotifications()));
        return notifications.join();
      },
      // Sent by a scheduled check.
      (text) => text.includes("marked-job: the job failed"),
    );
    for (const text of notifications) expect(found("a notification", text, [...secrets, ...OBEYED])).toEqual([]);

    for (const log of ["emulator.log", "console.log", "pages.log"])
      expect(found(log, await readFile(join(home, log), "utf8"))).toEqual([]);

    let lines = 0;
    for await (const [group, line] of logLines()) {
      lines += 1;
      expect(found(group, line)).toEqual([]);
    }
    expect(lines).toBeGreaterThan(100);

    // Rows of what was sent: callback data, inputs, messages, and the output of a job.
    const data =
      /-(timers|timers-\w+|workflows-\w+|pipelines-(jobOrder|job-order)\S*|pipelines-notifications|heartbeats-state|schedules\S*)$/;
    const tables: string[] = [];
    for await (const [table, text] of rows()) if (found(table, text).length > 0) tables.push(table);
    expect([...new Set(tables)].filter((table) => !data.test(table))).toEqual([]);

    // Markup means nothing to a terminal.
    const obeyedThere = OBEYED.filter((word) => !word.startsWith("<"));
    const commands = [
      { command: ["logs", "--since", "10m"], words: [...secrets, ...obeyedThere] },
      { command: ["status"], words: [...secrets, ...obeyedThere] },
      { command: ["workflows", "ls"], words: [...secrets, ...obeyedThere] },
      { command: ["heartbeats", "status"], words: [...secrets, ...obeyedThere] },
      { command: ["heartbeats", "report", "--csv"], words: [...secrets, ...obeyedThere] },
      { command: ["incidents", "ls"], words: [...secrets, ...obeyedThere] },
      { command: ["schedules", "ls"], words: [...secrets, ...obeyedThere] },
      // Have what was sent.
      { command: ["heartbeats", "job", "marked-job"], words: obeyedThere },
      { command: ["timers", "ls", "--once"], words: obeyedThere },
      { command: ["timers", "get", "marked-data", "--once"], words: obeyedThere },
      { command: ["redrive", "timers", "--list"], words: obeyedThere },
    ];
    for (const {
      command: [command = "", ...args],
      words,
    } of commands) {
      const { output } = await npmRun(command, ...args, "--home", home);
      expect(found([command, ...args].join(" "), output, words)).toEqual([]);
    }
  });
});

/** Other environments are deployed and destroyed meanwhile. */
const isOfLocal = (name: string): boolean => name.includes("almanac-local");

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
    for (const { logGroupName = "" } of logGroups.filter((group) => isOfLocal(group.logGroupName ?? "")))
      for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime: startedAt }))
        for (const { message = "" } of events) yield [logGroupName, message];
}

/** Every item of the environment's tables. */
async function* rows(): AsyncGenerator<readonly [string, string]> {
  const client = new DynamoDBClient(aws);
  for await (const { TableNames = [] } of paginateListTables({ client }, {}))
    for (const TableName of TableNames.filter(isOfLocal))
      for await (const { Items = [] } of paginateScan({ client }, { TableName }))
        for (const item of Items) yield [TableName, JSON.stringify(item)];
}

async function subscribedQueue(): Promise<string> {
  const [sns, sqs] = [new SNSClient(aws), new SQSClient(aws)];
  const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
  const topics = Topics.flatMap(({ TopicArn = "" }) => (TopicArn === "" ? [] : [TopicArn]));
  expect(topics.length).toBeGreaterThan(0);
  const Endpoint = `arn:aws:sqs:${aws.region}:000000000000:marked-notifications`;
  const [Effect, Principal] = ["Allow", { Service: "sns.amazonaws.com" }];
  const Statement = [{ Effect, Principal, Action: "sqs:SendMessage", Resource: Endpoint }];
  const Attributes = { Policy: JSON.stringify({ Version: "2012-10-17", Statement }) };
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "marked-notifications", Attributes }));
  for (const TopicArn of topics) await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint }));
  return QueueUrl;
}

/** Their subjects and texts. */
async function receivedNotifications(): Promise<readonly string[]> {
  const client = new SQSClient(aws);
  const texts: string[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: notificationsQueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) break;
    texts.push(
      ...Messages.map(({ Body = "" }) => Object.values(notificationSchema.parse(JSON.parse(Body))).join("\n")),
    );
    const Entries = Messages.map(({ MessageId: Id, ReceiptHandle }) => ({ Id, ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: notificationsQueueUrl, Entries }));
  }
  return texts;
}

const notificationSchema = z.object({ Subject: z.string().default(""), Message: z.string() });
