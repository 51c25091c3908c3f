/**
 * Benchmark process: a stub of DynamoDB and SQS for the dispatcher, with a latency of 10 ms. It generates the timers of each requested page, 1 MB by
 * DynamoDB's measure.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

import * as z from "zod";

import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../../../functions/shared/time";
import { SCENARIO_PATH, scenarioSchema, type Counts, type Scenario } from "../messages";

const LATENCY_MS = 10;
const PAGE_BYTES = 1_048_576;
const READ_UNIT_BYTES = 4_096;
const WRITE_UNIT_BYTES = 1_024;
const BILLED_REQUEST_BYTES = 65_536;

const querySchema = z.object({
  ExpressionAttributeValues: z.object({
    ":slot": z.object({ S: z.string() }),
    ":from": z.object({ N: z.coerce.number() }).optional(),
    ":to": z.object({ N: z.coerce.number() }),
  }),
  ExclusiveStartKey: z.object({ timer: z.object({ S: z.string() }) }).optional(),
  Limit: z.number().default(Infinity),
  ProjectionExpression: z.string().optional(),
});

let scenario: Scenario = { kind: "oneshot", timers: 0, cursor: 0, until: 1 };
let cursor = 0;
let counts: Counts = none();
/** Recurring timers that have moved to their next due time. */
let advanced = 0;

function none(): Counts {
  return { requests: 0, messages: 0, sqsRequests: 0, readUnits: 0, writeUnits: 0 };
}

/** Size of a {@link row} by DynamoDB's measure: names and values. */
const ROW_BYTES = 300;
const ROWS_A_PAGE = Math.floor(PAGE_BYTES / ROW_BYTES);

function idOf(index: number): string {
  return `customer-${String(index).padStart(8, "0")}`;
}

/** Where the timers of a scenario are in the index, and when they are due. */
function placeOf({ kind, until }: Scenario, due: number): { readonly slot: string; readonly dueMs: number } {
  switch (kind) {
    case "oneshot":
      return { slot: "shard0#once", dueMs: due };
    case "periodic":
      return { slot: `shard0#every#${HOUR_MS / 1_000}`, dueMs: due % HOUR_MS };
    case "cron":
      return { slot: `shard0#every#${DAY_MS / 1_000}`, dueMs: until % DAY_MS };
    case "irregular":
      return { slot: "shard0#recurring", dueMs: until };
  }
}

function scheduleOf({ kind, until }: Scenario, due: number, dueMs: number): string {
  const at = new Date(until);
  const time = `${at.getUTCMinutes()} ${at.getUTCHours()}`;
  const cron = (expression: string) => `"cron":{"S":"${expression}"},"timeZone":{"S":"UTC"}`;
  switch (kind) {
    case "oneshot":
      return `"at":{"N":"${due}"}`;
    case "periodic":
      return `"periodMs":{"N":"${HOUR_MS}"},"phaseMs":{"N":"${dueMs}"}`;
    case "cron":
      return cron(`${time} * * ? *`);
    case "irregular":
      return cron(`${time} ${at.getUTCDate()} * ? *`);
  }
}

/** @param isProjected without the attributes that the dispatcher does not ask for */
function row(index: number, isProjected = false): string {
  const { kind, timers, until } = scenario;
  const due = until - 59_999 + Math.floor((index * 59_999) / timers);
  const { slot, dueMs } = placeOf(scenario, due);
  const prefix = kind === "oneshot" ? "oneshot" : "periodic";
  const others = `"partition":{"S":"${prefix}#7"},"slot":{"S":"${slot}"},"dueMs":{"N":"${dueMs}"},${kind === "oneshot" ? '"ttl":{"N":"1803020101"},' : ""}`;
  return (
    `{${isProjected ? "" : others}"timer":{"S":"${prefix}#${idOf(index)}"},"shard":{"S":"shard0"},` +
    `"version":{"S":"0a1b2c3d-4e5f-4a6b-8c7d-${String(index).padStart(12, "0")}"},${scheduleOf(scenario, due, dueMs)},` +
    `"data":{"S":"{\\"id\\":\\"${idOf(index)}\\",\\"type\\":\\"hourlyPeriodic\\"}"},"putAt":{"N":"1790000000000"},` +
    `"enqueuedUntil":{"N":"${until - 2 * MINUTE_MS}"}}`
  );
}

function query(body: string): string {
  const {
    ExpressionAttributeValues: values,
    ExclusiveStartKey,
    Limit,
    ProjectionExpression,
  } = querySchema.parse(JSON.parse(body));
  const isProjected = ProjectionExpression !== undefined && !/#(partition|slot|dueMs|ttl)\b/.test(ProjectionExpression);
  const slot = values[":slot"].S;
  const { kind, timers, until } = scenario;
  const first = placeOf(scenario, until - 59_999);
  const isDue =
    advanced < timers &&
    slot === first.slot &&
    (values[":from"]?.N ?? 0) <= first.dueMs &&
    first.dueMs <= values[":to"].N;
  const from = ExclusiveStartKey ? Number(ExclusiveStartKey.timer.S.slice(-8)) + 1 : 0;
  const to = isDue ? Math.min(timers, from + Math.min(ROWS_A_PAGE, Limit)) : from;
  const rows = Array.from({ length: to - from }, (_, index) => row(from + index, isProjected));
  counts.readUnits += 0.5 * Math.max(1, Math.ceil((rows.length * ROW_BYTES) / READ_UNIT_BYTES));
  const last =
    isDue && to < timers
      ? `,"LastEvaluatedKey":{"timer":{"S":"${kind === "oneshot" ? kind : "periodic"}#${idOf(to - 1)}"},"slot":{"S":"${slot}"},"dueMs":{"N":"0"}}`
      : "";
  return `{"Items":[${rows.join(",")}],"Count":${rows.length},"ScannedCount":${rows.length}${last}}`;
}

const TABLE = "almanac-bench-timers";
const batchGetSchema = z.object({
  RequestItems: z.object({ [TABLE]: z.object({ Keys: z.array(z.object({ timer: z.object({ S: z.string() }) })) }) }),
});

function batchGet(body: string): string {
  const { Keys } = batchGetSchema.parse(JSON.parse(body)).RequestItems[TABLE];
  counts.readUnits += Keys.length;
  const rows = Keys.map(({ timer: { S: key } }) =>
    key.startsWith("cursor#") ? `{"timer":{"S":"${key}"},"cursor":{"N":"${cursor}"}}` : row(Number(key.slice(-8))),
  );
  return `{"Responses":{"${TABLE}":[${rows.join(",")}]},"UnprocessedKeys":{}}`;
}

const updateSchema = z.object({
  ExpressionAttributeValues: z.object({ ":cursor": z.object({ N: z.coerce.number() }).optional() }),
});

const messageSchema = z.object({ MessageBody: z.string() });

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

function countSqsRequests(body: string, request: IncomingMessage): void {
  counts.sqsRequests += Math.ceil(Number(request.headers["content-length"] ?? body.length) / BILLED_REQUEST_BYTES);
}

function respond(request: IncomingMessage, body: string): string {
  counts.requests += 1;
  switch (request.headers["x-amz-target"]) {
    case "DynamoDB_20120810.Query":
      return query(body);
    case "DynamoDB_20120810.BatchGetItem":
      return batchGet(body);
    case "DynamoDB_20120810.GetItem":
      counts.readUnits += 1;
      return '{"Item":{"timer":{"S":"shard-count#"},"maxShards":{"N":"1"}}}';
    case "DynamoDB_20120810.UpdateItem":
      counts.writeUnits += 1;
      cursor = updateSchema.parse(JSON.parse(body)).ExpressionAttributeValues[":cursor"]?.N ?? cursor;
      return `{"Attributes":{"timer":{"S":"cursor#shard0"},"cursor":{"N":"${cursor}"}}}`;
    case "DynamoDB_20120810.BatchExecuteStatement": {
      const statements = body.split('"Statement"').length - 1;
      // A timer that moves in the index is written there twice.
      counts.writeUnits += 3 * statements;
      advanced += statements;
      return `{"Responses":[${Array(statements).fill(`{"TableName":"${TABLE}"}`).join(",")}]}`;
    }
    case "DynamoDB_20120810.PutItem":
      // The table and the index.
      counts.writeUnits += (body.includes('"slot"') ? 2 : 1) * Math.ceil(ROW_BYTES / WRITE_UNIT_BYTES);
      return "{}";
    case "AmazonSQS.SendMessageBatch": {
      countSqsRequests(body, request);
      const entries = body.split('"MessageBody"').length - 1;
      counts.messages += entries;
      const successful = Array.from(
        { length: entries },
        (_, id) => `{"Id":"${id}","MessageId":"${id}","MD5OfMessageBody":"0"}`,
      );
      return `{"Successful":[${successful.join(",")}],"Failed":[]}`;
    }
    case "AmazonSQS.SendMessage":
      countSqsRequests(body, request);
      counts.messages += 1;
      // The SDK verifies the MD5.
      return `{"MessageId":"1","MD5OfMessageBody":"${md5(messageSchema.parse(JSON.parse(body)).MessageBody)}"}`;
    default:
      throw new Error(`unknown target ${String(request.headers["x-amz-target"])}`);
  }
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    if (request.url === SCENARIO_PATH) {
      if (request.method === "PUT") {
        scenario = scenarioSchema.parse(JSON.parse(body));
        ({ cursor } = scenario);
        counts = none();
        advanced = 0;
      }
      response.end(JSON.stringify(counts));
      return;
    }
    const text = respond(request, body);
    setTimeout(() => {
      response.setHeader("Content-Type", "application/x-amz-json-1.0").end(text);
    }, LATENCY_MS);
  });
}

/** With a certificate: TLS, as AWS has it. */
const { TLS_CERTIFICATE: cert, TLS_KEY: key } = process.env;
const [protocol, server] =
  cert === undefined
    ? ["http", createServer({ keepAliveTimeout: MINUTE_MS }, serve)]
    : ["https", createTlsServer({ keepAliveTimeout: MINUTE_MS, cert, key }, serve)];
server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, () => {
  process.send?.({ endpoint: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
