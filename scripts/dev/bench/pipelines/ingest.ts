/** The ingest handler against a stub: batches, compared with one message at a time. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as z from "zod";
import { handler } from "../../../../functions/pipelines/ingest";
import { lambdaContext } from "../../../../test/support/lambda";
import { figure, figureAtMost, median, type Figure } from "../figure";
import { stubEnvironment } from "../stub-environment";
import { PRICES } from "../../../shared/aws/prices";

const BATCH = 100;
const BATCHES = 60;
const SINGLES = 150;
const RUNS = 3;

/** SQS's limit for receiving and for deleting. */
const MESSAGES_A_REQUEST = 10;

/** For rows of up to 1 KB: one unit in the table and one in each of the two indexes. */
const WRITE_UNITS = 3;

const MILLION = 1_000_000;

/** The ingress function's duration, most of it SendMessage's latency. From AWS's figures. */
const INGRESS_SECONDS = 0.02;
const INGRESS_MEMORY_GB = 0.5;
const INGEST_MEMORY_GB = 1;

const countsSchema = z.object({ DynamoDB: z.number(), S3: z.number() });
type Counts = z.output<typeof countsSchema>;

export async function measureIngest(): Promise<readonly Figure[]> {
  const stub = fork(join(__dirname, "stub.ts"), {
    execArgv: ["--import", createRequire(__filename).resolve("tsx")],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const reply = async (): Promise<unknown> => ((await once(stub, "message")) as [unknown])[0];
  try {
    const port = z.number().parse(await reply());
    setEnvironment(`http://127.0.0.1:${port}`);
    const run = async (batches: number, size: number): Promise<number> => {
      const startedAt = performance.now();
      for (let batch = 0; batch < batches; batch += 1) {
        const { batchItemFailures } = await withoutOutput(() => handler(eventOf(batch, size), lambdaContext()));
        if (batchItemFailures.length > 0) throw new Error("messages failed");
      }
      return (batches * size * 1_000) / (performance.now() - startedAt);
    };
    await run(5, BATCH);
    const counts = async (): Promise<Counts> => {
      stub.send("counts");
      return countsSchema.parse(await reply());
    };
    const before = await counts();
    const rates: number[] = [];
    for (let index = 0; index < RUNS; index += 1) rates.push(await run(BATCHES, BATCH));
    const after = await counts();
    const records = RUNS * BATCHES * BATCH;
    const perRecord = {
      DynamoDB: (after.DynamoDB - before.DynamoDB) / records,
      S3: (after.S3 - before.S3) / records,
    };
    const single = await run(SINGLES, 1);
    const rate = median(rates);
    return [
      figure("records_per_s", rate, "1/s"),
      figure("one_at_a_time_per_s", single, "1/s"),
      { ...figure("ratio", rate / single, ""), goal: ">= 5", met: rate / single >= 5 },
      figure("dynamodb_requests_per_record", perRecord.DynamoDB, ""),
      figure("s3_requests_per_record", perRecord.S3, ""),
      figure("ingest_usd_per_million", MILLION * priceOf(perRecord), "$"),
      figureAtMost("usd_per_million_messages", MILLION * priceOfAll(perRecord, rate), "$", 3.5),
    ];
  } finally {
    stub.kill();
  }
}

/** USD per message from the queue on, without Lambda's duration: SQS requests, the row, the share of an archive object. */
function priceOf({ DynamoDB, S3 }: Counts): number {
  const queue = (1 + 2 / MESSAGES_A_REQUEST) * PRICES.sqs.request;
  return (
    queue +
    DynamoDB * WRITE_UNITS * PRICES.dynamodb.writeRequestUnit +
    S3 * PRICES.s3.write +
    PRICES.lambda.request / BATCH
  );
}

/** USD per message from the API to its row and its archive, without Slack, logs and traces. `rate`: of the ingest function, a second. */
function priceOfAll(perRecord: Counts, rate: number): number {
  return (
    PRICES.apiGateway.request +
    PRICES.lambda.request +
    (INGRESS_SECONDS * INGRESS_MEMORY_GB + INGEST_MEMORY_GB / rate) * PRICES.lambda.gbSecond +
    priceOf(perRecord)
  );
}

function setEnvironment(endpoint: string): void {
  Object.assign(process.env, {
    ...stubEnvironment("pipelines", endpoint),
    PIPELINE_NAME: "jobOrder",
    PIPELINE_CONFIG: JSON.stringify({
      key: "/jobOrderId",
      version: "/revision",
      groupBy: "/customer",
      summary: { Total: "/total" },
    }),
    PIPELINE_TABLE: "table",
    ARCHIVE_BUCKET: "archive",
  });
}

function eventOf(batch: number, size: number): object {
  const Records = Array.from({ length: size }, (_, index) => ({
    messageId: `${batch}-${index}`,
    body: JSON.stringify({
      jobOrderId: `${batch}-${index}`,
      revision: 1,
      customer: "c-1",
      total: 12.5,
      text: "x".repeat(400),
    }),
    attributes: { SentTimestamp: "1795248000000" },
    messageAttributes: {},
  }));
  return { Records };
}

/** Discards log output: a terminal would cost more than the handler. */
async function withoutOutput<Result>(run: () => Promise<Result>): Promise<Result> {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = () => true;
  try {
    return await run();
  } finally {
    process.stdout.write = write;
  }
}
