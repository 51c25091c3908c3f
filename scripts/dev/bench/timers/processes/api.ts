/** Benchmark process: PUTs through the deployed handler of the API, and through the same with the SDK's client and marshaller. */
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mapConcurrently } from "../../../../../functions/shared/resilience/concurrency";
import { restHandler } from "../../../../../functions/shared/handlers/rest-handler";
import { handler } from "../../../../../functions/timers/api";
import { timerRoutes } from "../../../../../functions/timers/api/routes";
import { apiEnvironment } from "../../../../../functions/timers/contract";
import { rowKey, timerKey } from "../../../../../functions/timers/storage/timer-row";
import { lambdaContext } from "../../../../../test/support/lambda";
import type { Run } from "../messages";
import { measure } from "../scenario";

const PUTS = 5_000;

/** The two take turns: much of the code is of both, and faster the longer it has run. */
const ROUNDS = 3;

/** Hides the stub's latency: the CPU is the limit. */
const CONCURRENT_PUTS = 25;

const unused = (): never => {
  throw new Error("a PUT of a timer that is due in two hours does not call it");
};

const withSdk = restHandler(
  apiEnvironment,
  ({ environment: { TIMERS_TABLE: TableName, CALLBACKS, SHARDS }, clock }) => {
    const dynamodb = new DynamoDBClient();
    return timerRoutes({
      table: {
        ensureCursor: () => Promise.resolve(),
        put: async ({ kind, id, ...timer }, indexKey) => {
          const item = { ...timer, slot: indexKey?.slot, dueMs: indexKey?.dueMs };
          await dynamodb.send(
            new PutItemCommand({
              TableName,
              Item: { ...rowKey(timerKey(kind, id)), ...marshall(item, { removeUndefinedValues: true }) },
              ConditionExpression: "attribute_not_exists(#key)",
              ExpressionAttributeNames: { "#key": "timer" },
            }),
          );
        },
        get: unused,
        delete: unused,
        list: unused,
        advance: unused,
        recordShardCount: unused,
      },
      queue: { send: unused },
      cursors: { get: unused },
      history: { read: unused },
      fireRequests: { begin: unused, complete: unused, release: unused },
      callbacks: CALLBACKS,
      now: () => clock.now(),
      newVersion: () => crypto.randomUUID(),
      shards: SHARDS,
      onFailure: unused,
    });
  },
);

async function put(invoke: typeof handler, puts: number): Promise<void> {
  await mapConcurrently(
    Array.from({ length: puts }, (_, index) => index),
    CONCURRENT_PUTS,
    async (index) => {
      const event = {
        httpMethod: "PUT",
        resource: "/oneshot/{id}",
        headers: { "Content-Type": "application/json", "Idempotency-Key": `key-${index}` },
        pathParameters: { id: `customer-${index}` },
        queryStringParameters: null,
        body: JSON.stringify({ delaySeconds: 7_200, timerCallbackData: { order: index, text: "reminder" } }),
        isBase64Encoded: false,
        requestContext: { requestId: `request-${index}`, identity: null },
      };
      const { statusCode, body } = await invoke(event, lambdaContext());
      if (statusCode !== 200) throw new Error(`PUT: ${statusCode} ${body}`);
    },
  );
}

async function main(): Promise<void> {
  const runs: Run[] = [];
  for (const invoke of [handler, withSdk]) await measure("oneshot", 500, () => put(invoke, 500)); // warm-up
  for (let round = 0; round < ROUNDS; round++)
    for (const invoke of [handler, withSdk]) runs.push(await measure("oneshot", PUTS, () => put(invoke, PUTS)));
  process.send?.({ runs });
}

void main();
