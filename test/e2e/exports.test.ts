import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  paginateScan,
  QueryCommand,
  ScanCommand,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";

import { manifestSchema, type Manifest } from "../../functions/exports/contract";
import { parsePlainItem } from "../../functions/exports/format/plain-json";
import { mapConcurrently } from "../../functions/shared/resilience/concurrency";
import { DAY_MS } from "../../functions/shared/time";
import { queryFiles } from "../support/query-engine";
import { Random } from "../support/simulation/random";
import { sized } from "../support/sized";
import { withStatementsOnly } from "./support/roles";
import { SETTLE_SECONDS } from "./support/exports";
import { awsConfiguration, eventually, home, npmRun, readSystem, startArguments } from "./support/system";
import { fileKey } from "../../functions/exports/run/object-keys";
import { machineOf } from "../../functions/shared/aws/arn";

const ITEMS = 50_000;

/** At random times. Each takes some seconds. */
const KILLS = sized(3, 50);

const outputsSchema = z.object({
  bucket_name: z.string(),
  start_function_name: z.string(),
  state_table_name: z.string(),
  state_machine_arn: z.string(),
  jobs_queue_url: z.string(),
});

type Item = Record<string, AttributeValue>;

/** Every DynamoDB type; four items are about a kilobyte. */
function itemOf(number: number): Item {
  return {
    id: { S: `item-${String(number).padStart(6, "0")}` },
    digits: { N: `${number + 1}12345678901234567890123456789` },
    small: { N: `0.${String(number).padStart(6, "0")}1` },
    text: { S: number % 3 === 0 ? "" : `"quoted" \\ größe\n${"x".repeat(number % 400)}` },
    words: { SS: ["a", `b${number}`] },
    numbers: { NS: ["1", `${number}.5`] },
    bytes: { B: Buffer.from(`bytes ${number}`) },
    blobs: { BS: [Buffer.from([number % 256]), Buffer.from([1, 2, 3])] },
    nothing: { NULL: true },
    yes: { BOOL: number % 2 === 0 },
    nested: { M: { list: { L: [{ N: "1" }, { M: { SS: { S: "no set" } } }, { L: [] }] }, empty: { M: {} } } },
  };
}

/** Only ends what hangs. */
const JOBS_MS = 180_000;

describe("exports, deployed", () => {
  let aws: ReturnType<typeof awsConfiguration>;
  let outputs: z.output<typeof outputsSchema>;
  let dynamodb: DynamoDBClient;
  let s3: S3Client;
  let sfn: SFNClient;

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["exports"]);
    dynamodb = new DynamoDBClient(aws);
    s3 = new S3Client(aws);
    sfn = new SFNClient(aws);
    await createTable("webapp_user_logs", "transaction_id");
    for (const name of ["e2e-everything", "e2e-new-items", "e2e-empty"]) await createTable(name, "id");
    for (const name of ["e2e-app-logs", "e2e-quiet-logs"]) await createTable(name, "transaction_id");
    await createReader("e2e-reader", "e2e-app-logs");
    await write(
      "e2e-everything",
      Array.from({ length: ITEMS }, (_, number) => itemOf(number)),
    );
  });

  async function createTable(TableName: string, key: string): Promise<void> {
    await dynamodb.send(
      new CreateTableCommand({
        TableName,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
      }),
    );
  }

  /** A role of an application that our account may assume to read its table. */
  async function createReader(RoleName: string, table: string): Promise<void> {
    const policy = (statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    const trust = { Effect: "Allow", Principal: { AWS: "arn:aws:iam::000000000000:root" }, Action: "sts:AssumeRole" };
    const read = {
      Effect: "Allow",
      Action: "dynamodb:Scan",
      Resource: `arn:aws:dynamodb:eu-central-1:000000000000:table/${table}`,
    };
    const iam = new IAMClient(aws);
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policy(trust) }));
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "read", PolicyDocument: policy(read) }));
  }

  async function write(table: string, items: readonly Item[]): Promise<void> {
    const starts = Array.from({ length: Math.ceil(items.length / 25) }, (_, index) => index * 25);
    await mapConcurrently(starts, 16, async (from) => {
      const batch = items.slice(from, from + 25).map((Item) => ({ PutRequest: { Item } }));
      await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table]: batch } }));
    });
  }

  async function run(payload: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { Payload, FunctionError } = await new LambdaClient(aws).send(
      new InvokeCommand({ FunctionName: outputs.start_function_name, Payload: Buffer.from(JSON.stringify(payload)) }),
    );
    const response: unknown = JSON.parse(Payload?.transformToString() ?? "null");
    return FunctionError === undefined ? response : { failed: response };
  }

  async function keys(prefix: string): Promise<readonly string[]> {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: outputs.bucket_name, Prefix: prefix }));
    return Contents.map(({ Key = "" }) => Key);
  }

  async function bytes(Key: string): Promise<Buffer> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: outputs.bucket_name, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async function manifestIn(folder: string): Promise<Manifest> {
    return manifestSchema.parse(JSON.parse((await bytes(`${folder}_manifest.json`)).toString()));
  }

  async function linesOf({ files, compression }: Manifest): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const { key } of files) {
      const content = await bytes(key);
      const text = (compression === "gzip" ? gunzipSync(content) : content).toString();
      lines.push(...text.split("\n").filter((line) => line !== ""));
    }
    return lines;
  }

  /** The records of an export's runs, oldest first. */
  async function runsOf(exportId: string): Promise<readonly Readonly<Record<string, string | undefined>>[]> {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: outputs.state_table_name,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :run)",
        ExpressionAttributeValues: { ":pk": { S: exportId }, ":run": { S: "run#" } },
      }),
    );
    return Items.map(({ status, error, cause, items }) => ({
      status: status?.S,
      error: error?.S,
      cause: cause?.S,
      items: items?.N,
    }));
  }

  const today = (): string => new Date().toISOString().slice(0, 10);
  /** Of runs whose files several tests read, before and after midnight. */
  const startDay = today();

  it("write the simple document to the letter", async () => {
    await write("webapp_user_logs", [
      { transaction_id: { S: "t1" }, access_timestamp: { N: "1795273200" }, user_id: { S: "ann" } },
    ]);
    expect(await run({ export: "simple-user-logs", day: startDay })).toEqual({
      statusCode: 200,
      body: '"Uploaded to s3."',
    });
    const [key = "", ...others] = await keys("usermetrics/simple_user_logs");
    expect(others).toEqual([]);
    expect(key).toMatch(/^usermetrics\/simple_user_logs\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\.json$/);
    const text = (await bytes(key)).toString();
    expect(text).toMatch(/^\{"user_metrics": \[\{[^ ]+\}\]\}$/);
    expect(JSON.parse(text)).toEqual({
      user_metrics: [{ transaction_id: "t1", access_timestamp: 1795273200, user_id: "ann" }],
    });
    expect(await run({ export: "simple-user-logs", day: startDay })).toEqual({
      statusCode: 200,
      body: JSON.stringify(`exists - no new data uploaded: s3://${outputs.bucket_name}/${key}`),
    });
  });

  it("take jobs from the queue, each message for itself, to the letter", async () => {
    // A job is of the day on which it starts, and the test repeats one of the same day.
    const leftOfDayMs = DAY_MS - (Date.now() % DAY_MS);
    if (leftOfDayMs < JOBS_MS) await new Promise((wait) => setTimeout(wait, leftOfDayMs));
    const now = Math.floor(Date.now() / 1000);
    await write("e2e-app-logs", [
      { transaction_id: { S: "new" }, access_timestamp: { N: String(now - 60) }, user_id: { S: "ann" } },
      { transaction_id: { S: "old" }, access_timestamp: { N: String(now - 90_000) }, user_id: { S: "bob" } },
    ]);
    const job = { table_name: "e2e-app-logs", region: "eu-central-1", assume_role: "" };
    const send = (jobs: readonly unknown[]) =>
      new SQSClient(aws).send(
        new SendMessageBatchCommand({
          QueueUrl: outputs.jobs_queue_url,
          Entries: jobs.map((each, index) => ({ Id: String(index), MessageBody: JSON.stringify(each) })),
        }),
      );
    await send([
      { ...job, application: "shop" },
      { application: "broken" },
      { ...job, application: "blog", assume_role: "arn:aws:iam::000000000000:role/e2e-reader" },
    ]);
    const [year, month, day] = today().split("-").map(Number);
    const folder = (application: string) =>
      `usermetrics/application=${application}/year=${year}/month=${month}/day=${day}/`;
    for (const application of ["shop", "blog"]) {
      const [key = "", ...others] = await eventually(
        () => keys(folder(application)),
        ({ length }) => length > 0,
      );
      expect(others).toEqual([]);
      expect(key.slice(folder(application).length)).toMatch(
        new RegExp(`^${application}_userlogs_\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\dZ\\.json$`),
      );
      expect(JSON.parse((await bytes(key)).toString())).toEqual({
        user_metrics: [{ transaction_id: "new", access_timestamp: now - 60, user_id: "ann" }],
      });
    }
    await eventually(
      () => runsOf("user-logs/shop/000000000000/eu-central-1/e2e-app-logs"),
      (runs) => runs.some(({ status }) => status === "SUCCEEDED"),
    );

    // The same day again, and an application without items.
    await send([
      { ...job, application: "shop" },
      { ...job, application: "quiet", table_name: "e2e-quiet-logs" },
    ]);
    const outputsOfJobs = await eventually(
      async () => {
        const { executions = [] } = await sfn.send(
          new ListExecutionsCommand({ stateMachineArn: outputs.state_machine_arn, statusFilter: "SUCCEEDED" }),
        );
        const jobs = executions.filter(({ name }) => name?.startsWith("job-"));
        const described = await Promise.all(
          jobs.map(({ executionArn }) => sfn.send(new DescribeExecutionCommand({ executionArn }))),
        );
        return described.map(({ output = "" }) => output).join("\n");
      },
      (text) =>
        ["exists - no new data uploaded: s3://", "no new data was retrieved"].every((message) =>
          text.includes(message),
        ),
    );
    expect(outputsOfJobs).toContain(folder("shop"));
    expect(await keys(folder("quiet"))).toEqual([]);
  });

  it("bring every item of a large table over, once, whatever its types", async () => {
    expect(await run({ export: "everything", day: startDay })).toEqual({ statusCode: 200, body: '"Uploaded to s3."' });
    const folder = `everything/dt=${startDay}/`;
    const manifest = await manifestIn(folder);
    const found = await keys(folder);
    expect(manifest.items).toBe(ITEMS);
    expect([...manifest.files.map(({ key }) => key), `${folder}_SUCCESS`, `${folder}_manifest.json`].sort()).toEqual(
      [...found].sort(),
    );
    expect(manifest.files.length).toBeGreaterThan(1);
    const items = (await linesOf(manifest)).map(parsePlainItem);
    const number = (item: Item) => Number((item["id"]?.S ?? "").slice(5));
    items.sort((a, b) => number(a) - number(b));
    expect(items.length).toBe(ITEMS);
    for (const [index, item] of items.entries()) if (index % 997 === 0) expect(item).toEqual(itemOf(index));
    expect(new Set(items.map(number)).size).toBe(ITEMS);
  });

  it("come back into a table with npx almanac exports restore, which was killed meanwhile, equal to what they were", async () => {
    await createTable("e2e-restored", "id");
    const uri = `s3://${outputs.bucket_name}/everything/dt=${startDay}/_manifest.json`;
    const restore = ["exports", "restore", uri, "e2e-restored", ...startArguments];
    const killed = spawn(process.execPath, ["scripts/launcher/almanac.mjs", ...restore], {
      stdio: "ignore",
      detached: true,
    });
    const ended = once(killed, "exit");
    const savedFiles = () => readdir(join(home, "restore")).catch(() => []);
    try {
      await eventually(savedFiles, (files) => files.some((file) => file.endsWith(".json")));
    } finally {
      process.kill(-(killed.pid ?? 0), "SIGKILL"); // the whole process group
      await ended;
    }

    const [command = "", ...args] = restore;
    const { code, output } = await npmRun(command, ...args);
    expect(output).toContain(`${ITEMS.toLocaleString("en")} items`);
    expect(output).toMatch(/^Resuming in file \d+, after [\d,]+ items of it\.$/m);
    const [, written = ""] = /^([\d,]+) items written to e2e-restored/m.exec(output) ?? [];
    expect(Number(written.replaceAll(",", ""))).toBeLessThan(ITEMS);
    expect(code).toBe(0);
    let count = 0;
    for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: "e2e-restored" })) {
      for (const item of Items) {
        const expected = itemOf(Number((item["id"]?.S ?? "").slice(5)));
        if (count++ % 97 === 0) expect(sorted(item)).toEqual(sorted(expected));
      }
    }
    expect(count).toBe(ITEMS);
  });

  it("are Parquet, with every item whole and its attributes as columns, for a query engine and for a restore", async () => {
    expect(await run({ export: "columns", day: startDay })).toEqual({ statusCode: 200, body: '"Uploaded to s3."' });
    const { files, format } = await manifestIn(`columns/dt=${startDay}/`);
    expect(format).toBe("parquet");
    const contents = await Promise.all(files.map(({ key }) => bytes(key)));
    const [total] = await queryFiles(
      contents,
      (list) => `SELECT count(*) AS items, count(DISTINCT id) AS ids, sum(CAST(yes AS int)) AS yes,
        count(DISTINCT item) AS whole FROM read_parquet(${list}, union_by_name = true)`,
    );
    expect(total).toEqual({ items: String(ITEMS), ids: String(ITEMS), yes: String(ITEMS / 2), whole: String(ITEMS) });
    const uri = `s3://${outputs.bucket_name}/columns/dt=${startDay}/_manifest.json`;
    const { code, output } = await npmRun("exports", "restore", uri, "--verify", ...startArguments);
    expect(output).toContain(`${ITEMS.toLocaleString("en")} items verified`);
    expect(code).toBe(0);
  });

  it("are one when two are started at once", async () => {
    const responses = await Promise.all([
      run({ export: "everything", day: "2026-01-01" }),
      run({ export: "everything", day: "2026-01-01" }),
    ]);
    expect(responses).not.toContainEqual({ failed: expect.anything() as unknown });
    const bodies = responses.map((response) => z.object({ body: z.string() }).parse(response).body);
    expect(bodies.filter((body) => body === '"Uploaded to s3."')).toHaveLength(1);
    expect(bodies.filter((body) => body.includes("already running"))).toHaveLength(1);
    expect((await manifestIn("everything/dt=2026-01-01/")).items).toBe(ITEMS);
  });

  it("are finished by the next run when they are killed at any time, in any part, with no item lost or doubled", async () => {
    const seed = Number(process.env["ALMANAC_SEED"] ?? Date.now() % 1_000_000);
    console.log(`${KILLS} kills: ALMANAC_SEED=${seed}`);
    const random = new Random(seed);
    const days: string[] = [];
    const nextDay = (): void => {
      days.push(new Date(Date.parse("2026-01-02") + days.length * DAY_MS).toISOString().slice(0, 10));
    };
    const startRun = async (): Promise<string> => {
      const input = JSON.stringify({ export: "slow", day: days.at(-1), force: false });
      const { executionArn = "" } = await sfn.send(
        new StartExecutionCommand({ stateMachineArn: outputs.state_machine_arn, input }),
      );
      return executionArn;
    };
    const statusOf = async (executionArn: string) =>
      (await sfn.send(new DescribeExecutionCommand({ executionArn }))).status;
    const savedParts = async (): Promise<number> => {
      const { Items = [] } = await dynamodb.send(
        new ScanCommand({ TableName: outputs.state_table_name, ConsistentRead: true }),
      );
      return Items.filter(({ pk, sk }) => pk?.S?.startsWith("slow#") === true && sk?.S?.startsWith("part#") === true)
        .length;
    };
    nextDay();
    for (let kills = 0; kills < KILLS;) {
      const executionArn = await startRun();
      // The first in a later part of a segment, the others at any time.
      if (kills === 0)
        await eventually(
          async () => [await savedParts(), await statusOf(executionArn)] as const,
          ([parts, status]) => parts >= 3 || status !== "RUNNING",
        );
      else await new Promise((wait) => setTimeout(wait, random.whole(0, 4_000)));
      if ((await statusOf(executionArn)) === "RUNNING") {
        await sfn.send(new StopExecutionCommand({ executionArn }));
        kills += 1;
      } else nextDay();
    }
    // The run of another day finishes the killed one first, while its functions still run.
    nextDay();
    expect(await run({ export: "slow", day: days.at(-1) })).toMatchObject({ body: '"Uploaded to s3."' });
    for (const day of days) {
      const manifest = await manifestIn(`slow/dt=${day}/`);
      const ids = (await linesOf(manifest)).map((line) => /"id":"([^"]+)"/.exec(line)?.[1]);
      expect([day, manifest.items, ids.length, new Set(ids).size]).toEqual([day, ITEMS, ITEMS, ITEMS]);
      expect(manifest.files.length).toBeGreaterThan(6);
      expect(await keys(`slow/dt=${day}/_SUCCESS`)).toHaveLength(1);
    }
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: outputs.state_table_name,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :run)",
        ExpressionAttributeValues: { ":pk": { S: "slow" }, ":run": { S: "run#" } },
      }),
    );
    expect(Items.map(({ status }) => status?.S)).toEqual(days.map(() => "SUCCEEDED"));
    expect(Items.some(({ run: text }) => /"attempt":([2-9]|\d\d)/.test(text?.S ?? ""))).toBe(true);
    // A worker that outlives its run may hold the upload of a part until it next asks whether its run is the active one.
    await eventually(
      async () =>
        (await s3.send(new ListMultipartUploadsCommand({ Bucket: outputs.bucket_name, Prefix: "slow/" }))).Uploads ??
        [],
      ({ length }) => length === 0,
    );
  });

  it("take each new item once, also those that are written while they run", async () => {
    const put = (ids: readonly string[]) =>
      write(
        "e2e-new-items",
        ids.map((id) => ({ id: { S: id }, at: { N: String(Date.now()) } })),
      );
    let day = 1;
    const exported: (string | undefined)[] = [];
    const next = async (): Promise<void> => {
      const date = `2026-02-0${day++}`;
      await run({ export: "new-items", day: date });
      const lines = await linesOf(await manifestIn(`new-items/dt=${date}/`));
      exported.push(...lines.map((line) => /"id":"([^"]+)"/.exec(line)?.[1]));
    };
    const written: string[] = [];
    const batch = (name: string) => {
      const ids = Array.from({ length: 50 }, (_, index) => `${name}-${index}`);
      written.push(...ids);
      return ids;
    };
    await put(batch("before"));
    await next();
    const running = next();
    for (let index = 0; index < 10; index++) await put(batch(`during-${index}`));
    await running;
    await new Promise((wait) => setTimeout(wait, SETTLE_SECONDS * 1_000 + 5));
    await next();
    expect([...exported].sort()).toEqual([...written].sort());
    await next();
    expect(exported).toHaveLength(written.length);
  });

  it("say of an empty table that it is", async () => {
    const before = today();
    expect(await run({ export: "empty" })).toMatchObject({ body: '"Uploaded to s3."' });
    const ofToday = `empty/dt=${today()}/`;
    const folder = (await keys(ofToday)).length > 0 ? ofToday : `empty/dt=${before}/`;
    const manifest = await manifestIn(folder);
    expect([manifest.items, manifest.files]).toEqual([0, []]);
    expect(await keys(`${folder}_SUCCESS`)).toHaveLength(1);
  });

  it("delete what another run has left: parts, and incomplete uploads", async () => {
    const folder = "empty/dt=2026-03-01/";
    const other = {
      ...{ deployment: machineOf(outputs.state_machine_arn), exportId: "empty", id: "2026-03-01T00:00:00.000Z" },
      ...{ application: "", keyTime: 0, day: "2026-03-01", time: undefined },
      config: { name: "empty", layout: "partitioned", format: "ndjson", compression: "gzip", prefix: undefined },
    } as const;
    const at = { Bucket: outputs.bucket_name, Key: fileKey(other, 0, 0) };
    await s3.send(new PutObjectCommand({ ...at, Key: fileKey(other, 7, 3), Body: "stray" }));
    await s3.send(new CreateMultipartUploadCommand(at));
    expect(await run({ export: "empty", day: "2026-03-01" })).toMatchObject({ body: '"Uploaded to s3."' });
    expect(await keys(folder)).toEqual([`${folder}_SUCCESS`, `${folder}_manifest.json`]);
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: at.Bucket, Prefix: at.Key }));
    expect(Uploads).toEqual([]);
  });

  it.each([
    ["no-table", /ResourceNotFound|resource not found/i],
    ["no-bucket", /NoSuchBucket|does not exist/i],
  ])(
    "fail clearly, and leave nothing that looks whole: %s",
    async (name, reason) => {
      expect(await run({ export: name })).toMatchObject({
        failed: { errorMessage: expect.stringMatching(reason) as unknown },
      });
      const [record] = await runsOf(name);
      expect(record).toMatchObject({ status: "FAILED", cause: expect.stringMatching(reason) as unknown });
      expect(await keys(`${name}/`)).toEqual([]);
    }, // no time for useless retries
  );

  it("fail clearly where reading is not allowed, and are completed by the next run once it is", async () => {
    const folder = "empty/dt=2026-03-02/";
    const event = { export: "empty", day: "2026-03-02" };
    const reason = /is not authorized to perform: dynamodb:Scan/;
    await withStatementsOnly(
      aws,
      "almanac-local-exports-read-segment",
      (sid) => sid !== "TableNames",
      async () => {
        expect(await run(event)).toMatchObject({
          failed: { errorMessage: expect.stringMatching(reason) as unknown },
        });
      },
    );
    expect(await runsOf("empty")).toContainEqual(
      expect.objectContaining({ status: "FAILED", cause: expect.stringMatching(reason) as unknown }),
    );
    expect(await keys(folder)).toEqual([]);
    expect(await run(event)).toMatchObject({ body: '"Uploaded to s3."' });
    expect(await keys(`${folder}_SUCCESS`)).toHaveLength(1);
  });

  it("are started by their schedule", async () => {
    await eventually(
      () => runsOf("ticking"),
      (runs) => runs.some(({ status }) => status === "SUCCEEDED"),
    );
  });
});

/** Sets have no order. */
function sorted(item: Item): Item {
  return Object.fromEntries(
    Object.entries(item)
      .map(([name, value]): [string, AttributeValue] => {
        if (value.SS) return [name, { SS: [...value.SS].sort() }];
        if (value.NS) return [name, { NS: [...value.NS].sort() }];
        if (value.B) return [name, { B: Buffer.from(value.B) }];
        if (value.BS)
          return [name, { BS: value.BS.map((each) => Buffer.from(each)).sort((a, b) => Buffer.compare(a, b)) }];
        return [name, value];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
