import { createHmac } from "node:crypto";
import { gunzipSync } from "node:zlib";
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import * as z from "zod";
import { readArchiveObject, type ArchivedMessage } from "../../functions/pipelines/storage/archive";
import { ingressClient, type IngressClient } from "../../scripts/shared/aws/ingress-client";
import { pipelineOf, type DeployedPipeline } from "../../scripts/shared/feature-outputs";
import { homeAt } from "../../scripts/shared/home";
import { readRunning } from "../../scripts/emulator/run-record";
import { awsConfiguration, eventually, home, npmRun, startArguments } from "./support/system";

const LONG = "1234567890123456789012345678901234567890";
const POISON = "{ poison";

const inboxSchema = z.object({ messages: z.array(z.object({ webhook: z.string(), message: z.unknown() })) });

describe("pipelines, deployed", () => {
  const startedAt = new Date(Date.now() - 1_000).toISOString();
  let aws: ReturnType<typeof awsConfiguration>;
  let slack: string;
  let deployment: NonNullable<Awaited<ReturnType<typeof readRunning>>>["deployment"];
  let jobOrder: DeployedPipeline;
  let invoice: DeployedPipeline;
  let post: IngressClient;

  beforeAll(async () => {
    const running = await readRunning(homeAt(home));
    if (running?.pages === undefined || running.deployment === undefined)
      throw new Error("npm start has not started the Slack simulator");
    aws = awsConfiguration(running.endpoint);
    slack = running.pages.url;
    deployment = running.deployment;
    jobOrder = pipelineOf("local", "jobOrder", running.deployment);
    invoice = pipelineOf("local", "invoice", running.deployment);
    post = ingressClient(jobOrder.endpoint, aws);
    // For the last test: its last failure is after three minutes.
    const bodies = [order("before-poison", 1), POISON, order("after-poison", 1)];
    const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    await new SQSClient(aws).send(new SendMessageBatchCommand({ QueueUrl: jobOrder.queueUrl, Entries }));
  });

  const running = () => {
    if (deployment === undefined) throw new Error("nothing is deployed");
    return deployment;
  };
  const order = (jobOrderId: string, revision: number, more: object = {}) =>
    JSON.stringify({ jobOrderId, revision, ...more });
  const sent = async (body: string) => {
    // A sender repeats what the API could not take.
    const { status, text } = await eventually(
      () => post(body),
      (response) => response.status < 500,
    );
    expect({ status, text }).toEqual({ status: 202, text });
  };
  const row = async (key: string, { tableName: TableName } = jobOrder) => {
    const { Item } = await new DynamoDBClient(aws).send(new GetItemCommand({ TableName, Key: { key: { S: key } } }));
    return Item;
  };
  const rows = async () => {
    const { Items = [] } = await new DynamoDBClient(aws).send(new ScanCommand({ TableName: jobOrder.tableName }));
    return Items.sort((a, b) => ((a["key"]?.S ?? "") < (b["key"]?.S ?? "") ? -1 : 1));
  };
  /** The messages that Slack accepted, as text. */
  const inbox = async (webhook = "/almanac/slack/orders") => {
    const { messages } = inboxSchema.parse(await (await fetch(`${slack}/inbox`)).json());
    return messages.filter((each) => each.webhook === webhook).map(({ message }) => JSON.stringify(message));
  };
  const received = (key: string, webhook?: string) =>
    eventually(
      async () => (await inbox(webhook)).filter((message) => message.includes(key)),
      ({ length }) => length > 0,
    );
  const archived = async (): Promise<readonly ArchivedMessage[]> => {
    const s3 = new S3Client(aws);
    const Bucket = jobOrder.archiveBucketName;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "jobOrder/dt=" }));
    const parts = Contents.map(async ({ Key: key = "" }) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
      return readArchiveObject({ key, text: gunzipSync((await Body?.transformToByteArray()) ?? "").toString() });
    });
    return (await Promise.all(parts)).flat();
  };
  const setMode = (mode: "up" | "down") => fetch(`${slack}/mode`, { method: "PUT", body: mode });

  it("send an order to Slack, with its summary, and without private values", async () => {
    await sent(order("first-order", 1, { customer: { id: "c1", name: "Ada Lovelace" }, total: 18.15 }));
    const [message = ""] = await received("first-order");
    expect(message).toContain("18.15");
    expect(message).toContain("•••");
    expect(message).not.toContain("Lovelace");
    expect(await row("first-order")).toMatchObject({
      group: { S: "c1" },
      summary: { M: { Customer: { S: "Ada Lovelace" } } },
    });
  });

  it("keep unknown and nested properties and every digit, in the table and in the archive", async () => {
    const body = `{"jobOrderId":"digits","revision":1,"not":{"declared":[${LONG},0.10,{"this":null}]},"total":${LONG}}`;
    await sent(body);
    const found = await eventually(() => row("digits"), Boolean);
    expect(found?.["data"]).toEqual({ S: body });
    const stored = await eventually(archived, (all) => all.some(({ data }) => data === body));
    expect(stored.filter(({ data }) => data === body)).toHaveLength(1);
  });

  it("reject messages that violate the schema or have no key, with the place", async () => {
    const { status, text } = await post(order("bad", 1, { total: "much" }));
    expect([status, text]).toEqual([400, expect.stringContaining("body: /total: must be number")]);
    expect(await post('{"revision":1}')).toMatchObject({
      status: 400,
      text: expect.stringContaining("/jobOrderId: is missing") as unknown,
    });
    expect((await post(order("long", 1, { text: "x".repeat(210_000) }))).status).toBe(413);
    const unsigned = await fetch(jobOrder.endpoint, {
      method: "POST",
      body: order("unsigned", 1),
    });
    expect(unsigned.status).toBe(403);
  });

  it("make one row and one message of the same order twice, and never replace a newer version with an older", async () => {
    await sent(order("twice", 2));
    await eventually(() => row("twice"), Boolean);
    await sent(order("twice", 2));
    await sent(order("twice", 1));
    const three = (all: readonly ArchivedMessage[]) => all.filter(({ data }) => data.includes('"twice"')).length === 3;
    await eventually(archived, three);
    await sent(order("after-twice", 1));
    await received("after-twice");
    expect((await row("twice"))?.["version"]).toEqual({ S: "2" });
    const all = (await inbox()).join().match(/Job order twice/g) ?? [];
    expect(new Set(all).size).toBe(1);
    expect(
      (await inbox()).filter((message) => message.includes("twice") && !message.includes("after-twice")).length,
    ).toBeLessThanOrEqual(1);
  });

  it("are as good as the first when they are the second", async () => {
    const other = ingressClient(invoice.endpoint, aws);
    expect((await other('{"number": 7, "any": "thing"}')).status).toBe(202);
    await received("Invoice 7", "/almanac/slack/invoices");
    expect((await row("7", invoice))?.["data"]).toEqual({ S: '{"number": 7, "any": "thing"}' });
  });

  it("accept what GitHub and Stripe have signed, and nothing else without AWS credentials", async () => {
    const ssm = new SSMClient(aws);
    const secret = "It's a Secret to Everybody";
    for (const Name of ["/almanac/webhooks/events", "/almanac/webhooks/invoices"])
      await ssm.send(new PutParameterCommand({ Name, Value: secret, Type: "SecureString", Overwrite: true }));
    const sign = (content: string, key: string) => createHmac("sha256", key).update(content).digest("hex");
    const send = async (url: string, body: string, headers: Readonly<Record<string, string>>) =>
      (await fetch(url, { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } })).status;
    const event = pipelineOf("local", "event", running());
    const github = (body: string, key: string) =>
      send(event.webhookUrl, body, { "X-Hub-Signature-256": `sha256=${sign(body, key)}` });
    const body = '{"id":"Müller","action":"opened"}';
    expect(await github(body, "another secret")).toBe(401);
    expect(await github(body, secret)).toBe(202);
    expect(await github(body, secret)).toBe(202);
    expect((await eventually(() => row("Müller", event), Boolean))?.["data"]).toEqual({ S: body });
    // Its other endpoint is for programs with AWS credentials.
    expect((await ingressClient(event.endpoint, aws)('{"id":"signed"}')).status).toBe(202);
    const stripe = (seconds: number) => {
      const payload = '{"number":"in_1","object":"event"}';
      const signature = `t=${seconds},v1=${sign(`${seconds}.${payload}`, secret)}`;
      return send(invoice.webhookUrl, payload, { "Stripe-Signature": signature });
    };
    const now = Math.floor(Date.now() / 1_000);
    expect(await stripe(now - 3_600)).toBe(401);
    expect(await stripe(now)).toBe(202);
    expect(await eventually(() => row("in_1", invoice), Boolean)).toBeDefined();
  });

  it("refuse a text that is not UTF-8, and depth", async () => {
    expect((await post(`{"jobOrderId":"deep","revision":1,"x":${"[".repeat(5_000)}${"]".repeat(5_000)}}`)).status).toBe(
      400,
    );
    expect((await post(Buffer.from('{"jobOrderId":"Müller","revision":1}', "latin1"))).status).toBe(400);
  });

  it("lose nothing during an outage of Slack, and send it in order afterwards", async () => {
    await setMode("down");
    for (const revision of [1, 2, 3]) {
      for (const key of ["away-a", "away-b", "away-c"]) await sent(order(key, revision));
      await eventually(
        () => row("away-c"),
        (item) => item?.["version"]?.S === String(revision),
      );
    }
    // Longer than a minute, so that the scheduled send runs during the outage.
    await new Promise((wait) => setTimeout(wait, 65_000));
    expect((await inbox()).join()).not.toContain("away-");
    await setMode("up");
    const changes = (all: readonly string[]) =>
      ["away-a", "away-b", "away-c"].map((key) => (all.join("\n").match(new RegExp(key, "g")) ?? []).length);
    const all = await eventually(inbox, (messages) => changes(messages).every((count) => count >= 3));
    const text = all.join("\n");
    for (const key of ["away-a", "away-b", "away-c"])
      expect(text.indexOf(`Job order ${key}`)).toBeLessThan(text.lastIndexOf(`Job order ${key} (changed)`));
  });

  it("go on after a malformed row", async () => {
    const strange = { key: { S: "strange" }, version: { S: "not a number" }, what: { B: new Uint8Array([1]) } };
    await new DynamoDBClient(aws).send(new PutItemCommand({ TableName: jobOrder.tableName, Item: strange }));
    await sent(order("after-strange", 1));
    await received("after-strange");
    await new DynamoDBClient(aws).send(
      new DeleteItemCommand({ TableName: jobOrder.tableName, Key: { key: { S: "strange" } } }),
    );
  });

  it("have the same table after a replay, whether it was there or not", async () => {
    const before = await rows();
    const replay = ["pipelines", "replay", "jobOrder", "--from", startedAt, ...startArguments] as const;
    const again = await npmRun(...replay);
    expect(again.output).toMatch(/jobOrder: \d+ messages sent through local again\./);
    const emptied = before.slice(0, 3);
    const dynamodb = new DynamoDBClient(aws);
    for (const { key } of emptied)
      if (key) await dynamodb.send(new DeleteItemCommand({ TableName: jobOrder.tableName, Key: { key } }));
    expect((await npmRun(...replay)).code).toBe(0);
    expect(await eventually(rows, (now) => JSON.stringify(now) === JSON.stringify(before))).toEqual(before);
  });

  it("put a poison message into the dead-letter queue, alone, and redrive it by command", async () => {
    expect(await row("before-poison")).toBeDefined();
    expect(await row("after-poison")).toBeDefined();
    const sqs = new SQSClient(aws);
    const deadLetters = async () => {
      const command = new ReceiveMessageCommand({
        QueueUrl: jobOrder.deadLetterQueueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 0,
      });
      return ((await sqs.send(command)).Messages ?? []).map(({ Body }) => Body);
    };
    expect(await eventually(deadLetters, ({ length }) => length > 0)).toEqual([POISON]);
    const { code, output } = await npmRun("pipelines", "redrive", "jobOrder", ...startArguments);
    expect(output).toContain("jobOrder: 1 sent back.");
    expect(code).toBe(0);
  });
});
