/** A stub of DynamoDB that responds after 10 ms, with the row of the claimed run. A separate process, as AWS is. */
import { createServer } from "node:http";
import { marshall } from "@aws-sdk/util-dynamodb";

const LATENCY_MS = 10;

const ROW = marshall({
  schedule: "bench",
  run: "2026-11-21T17:00:00.000Z",
  outcome: "running",
  scheduledAt: Date.parse("2026-11-21T17:00:00Z"),
  dueAt: Date.parse("2026-11-21T17:00:00Z"),
  attempt: 1,
});
const RESPONSE = JSON.stringify({ Attributes: ROW });

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    setTimeout(() => {
      response.writeHead(200, { "Content-Type": "application/x-amz-json-1.0" }).end(RESPONSE);
    }, LATENCY_MS);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.(address.port);
});
