/** A stub of S3 and DynamoDB that responds after 10 ms. A separate process, so that its CPU time is not measured. */
import { createServer } from "node:http";

const LATENCY_MS = 10;
const counts = { DynamoDB: 0, S3: 0 };

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const isTable = request.headers["x-amz-target"] !== undefined;
    counts[isTable ? "DynamoDB" : "S3"] += 1;
    setTimeout(() => {
      response.writeHead(200, { "Content-Type": isTable ? "application/x-amz-json-1.0" : "application/xml" });
      response.end(isTable ? "{}" : "");
    }, LATENCY_MS);
  });
});
process.on("message", () => process.send?.(counts));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.(address.port);
});
