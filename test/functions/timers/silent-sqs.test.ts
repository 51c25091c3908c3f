/** The deployed handler of the API, over real sockets, while SQS accepts connections and answers nothing. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import * as z from "zod";
import { handler } from "../../../functions/timers/api";
import { lambdaContext, setupHandler } from "../../support/lambda";
import { startStubAws, type StubAws, type StubRequest } from "../../support/stub-aws";

const putSchema = z.object({ Item: z.object({ slot: z.object({ S: z.string() }) }) });

setupHandler("timers", {
  TIMERS_TABLE: "timers",
  HISTORY_TABLE: "history",
  CALLBACKS: JSON.stringify({ default: { queueUrl: "https://sqs/fires", history: false } }),
  SHARDS: "1",
  AWS_ACCESS_KEY_ID: "id",
  AWS_SECRET_ACCESS_KEY: "secret",
});

describe("a PUT while SQS is silent", () => {
  let sqs: Server;
  let dynamodb: StubAws;
  let requests: StubRequest[];
  let connections: Socket[];
  beforeEach(async () => {
    [requests, connections] = [[], []];
    sqs = createServer((socket) => {
      connections.push(socket);
      socket.on("error", () => undefined).resume();
    });
    await new Promise<void>((listening) => sqs.listen(0, "127.0.0.1", listening));
    dynamodb = await startStubAws((request) => {
      requests.push(request);
      return {};
    });
    process.env["AWS_ENDPOINT_URL_DYNAMODB"] = dynamodb.endpoint;
    process.env["AWS_ENDPOINT_URL_SQS"] = `http://127.0.0.1:${(sqs.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await dynamodb.close();
    for (const socket of connections) socket.destroy();
    sqs.close();
  });

  it("is answered long before API Gateway gives up, and leaves the row overdue to the dispatcher", async () => {
    const begin = performance.now();
    const event = {
      httpMethod: "PUT",
      resource: "/oneshot/{id}",
      pathParameters: { id: "egg" },
      body: JSON.stringify({ delaySeconds: 150 }),
      requestContext: { requestId: "request-1" },
    };
    // Two seconds for SQS: what is left of the function's time, without the reserve of the response.
    const { statusCode } = await handler(event, lambdaContext(8_000));
    expect(statusCode).toBe(200);
    expect(connections.length).toBeGreaterThan(0);
    expect(performance.now() - begin).toBeLessThan(7_000);
    const [slot, ...later] = requests.flatMap(({ operation, body }) =>
      operation.endsWith(".PutItem") && body.includes('"slot"') ? [putSchema.parse(JSON.parse(body)).Item.slot.S] : [],
    );
    expect([slot, ...later]).toEqual(["shard0#overdue"]);
    for (const { body } of requests.filter(({ operation }) => operation.endsWith(".UpdateItem")))
      expect(body).toContain("shard0#overdue");
  });
});
