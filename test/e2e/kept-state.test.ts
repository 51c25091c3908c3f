import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { writeFile, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isRestored, saveState } from "../../scripts/emulator/control";
import { bareEmulator, type BareEmulator } from "./support/bare-emulator";
import { awsConfiguration } from "./support/system";

const Bucket = "kept-bucket";
const TableName = "kept-table";

let emulator: BareEmulator;

beforeAll(async () => {
  emulator = await bareEmulator();
});
afterAll(() => emulator.close());

/** Clients of the emulator that runs now: each start has other keys. */
function clients() {
  const configuration = { ...awsConfiguration(emulator.endpoint), maxAttempts: 1 };
  const [s3, dynamodb] = [new S3Client(configuration), new DynamoDBClient(configuration)];
  const [streams, sqs] = [new DynamoDBStreamsClient(configuration), new SQSClient(configuration)];
  return { s3, dynamodb, streams, sqs };
}

async function createTable({ dynamodb }: ReturnType<typeof clients>): Promise<void> {
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "N" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    }),
  );
}

async function recordsOf({ dynamodb, streams }: ReturnType<typeof clients>): Promise<number> {
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
  const StreamArn = Table?.LatestStreamArn ?? "";
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId ?? "";
  let { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
  );
  for (let count = 0; ;) {
    const { Records = [], NextShardIterator } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    count += Records.length;
    if (Records.length === 0) return count;
    ShardIterator = NextShardIterator;
  }
}

it("continues after a stop: rows, records of streams, delayed messages, versions of objects", async () => {
  const before = clients();
  await createTable(before);
  await before.dynamodb.send(new PutItemCommand({ TableName, Item: { id: { N: "0" } } }));
  await before.s3.send(new CreateBucketCommand({ Bucket }));
  const versioned = { Bucket, VersioningConfiguration: { Status: "Enabled" } } as const;
  await before.s3.send(new PutBucketVersioningCommand(versioned));
  await before.s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "one" }));
  await before.s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: Buffer.from([0, 255, 128]) }));
  await before.s3.send(new DeleteObjectCommand({ Bucket, Key: "b" }));
  const { QueueUrl } = await before.sqs.send(new CreateQueueCommand({ QueueName: "kept-queue" }));
  const sent = Date.now();
  await before.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "later", DelaySeconds: 4 }));
  await emulator.stop();

  await emulator.start();
  expect(await isRestored(emulator.endpoint)).toBe(true);
  const after = clients();
  await expect(recordsOf(after)).resolves.toBe(1);
  const object = await after.s3.send(new GetObjectCommand({ Bucket, Key: "a" }));
  expect(await object.Body?.transformToByteArray()).toEqual(Uint8Array.from([0, 255, 128]));
  const { Versions, DeleteMarkers } = await after.s3.send(new ListObjectVersionsCommand({ Bucket }));
  expect([Versions?.length, DeleteMarkers?.length]).toEqual([2, 1]);
  const received = await after.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  expect(received.Messages?.map(({ Body }) => Body)).toEqual(["later"]);
  expect(Date.now() - sent).toBeGreaterThanOrEqual(4_000);
});

it("is after kill -9 at any moment, under load, the state of one moment", async () => {
  await saveState(emulator.endpoint); // after it, at least
  for (let round = 0; round < 6; round += 1) {
    const writer = clients();
    const killed = new AbortController();
    const first = await countOf(writer);
    // The row before an object, of each earlier kill.
    const missing = first - (await objectsOf(writer));
    // Each number becomes a row, then an object: no other moment has more objects than rows, or two rows more.
    const writing = (async () => {
      for (let id = first; !killed.signal.aborted; id += 1) {
        await writer.dynamodb.send(new PutItemCommand({ TableName, Item: { id: { N: String(id) } } }));
        await writer.s3.send(new PutObjectCommand({ Bucket, Key: `row/${id}`, Body: "x".repeat(20_000) }));
      }
    })().catch((error: unknown) => {
      if (!killed.signal.aborted) throw error;
    });
    await sleep(200);
    const saving = saveState(emulator.endpoint).catch(() => undefined);
    await sleep(round * 15);
    killed.abort();
    await emulator.kill();
    await Promise.all([writing, saving]);
    // What was being written is not the state.
    await writeFile(`${emulator.file}.unfinished`, "half");

    await emulator.start();
    expect(await isRestored(emulator.endpoint)).toBe(true);
    const reader = clients();
    const [rows, objects, records] = [await countOf(reader), await objectsOf(reader), await recordsOf(reader)];
    expect(rows).toBeGreaterThanOrEqual(first === 1 ? 1 : 2);
    expect(records).toBe(rows);
    expect([rows, rows - 1]).toContain(objects + missing);
  }
});

async function countOf({ dynamodb }: ReturnType<typeof clients>): Promise<number> {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }));
  const ids = Items.map(({ id }) => Number(id?.N)).sort((one, other) => one - other);
  expect(ids).toEqual(ids.map((_, index) => index));
  return ids.length;
}

async function objectsOf({ s3 }: ReturnType<typeof clients>): Promise<number> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: "row/" }));
  return Versions.length;
}

it("is not saved while Terraform changes the stack: its state names a part of what exists", async () => {
  const before = clients();
  await saveState(emulator.endpoint);
  const rows = await countOf(before);
  await before.s3.send(new PutObjectCommand({ Bucket, Key: "almanac/local.tfstate.tflock", Body: "{}" }));
  await before.dynamodb.send(new PutItemCommand({ TableName, Item: { id: { N: String(rows) } } }));
  await saveState(emulator.endpoint);
  await emulator.stop();

  await emulator.start();
  await expect(countOf(clients())).resolves.toBe(rows);
});

it("that cannot be read is a fresh start", async () => {
  await emulator.kill();
  await writeFile(emulator.file, '{"port":1,"version":"1","digest":"d"}\n\x80\x05cos\nsystem\n(S"id"\ntR.');
  await emulator.start();
  expect(await isRestored(emulator.endpoint)).toBe(false);
  await createTable(clients());
  await saveState(emulator.endpoint);
  expect(await readdir(dirname(emulator.file))).toEqual(["emulator.state"]);
});

it("is not for programs without the key of the run", async () => {
  const response = await fetch(`${emulator.endpoint}/_almanac/state`, { method: "POST" });
  expect(response.status).toBe(403);
});
