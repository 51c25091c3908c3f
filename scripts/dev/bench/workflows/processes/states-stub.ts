/** A separate process: responds to StartExecution at once, as Step Functions does. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const RESPONSE = JSON.stringify({
  executionArn: "arn:aws:states:eu-central-1:000000000000:execution:almanac-bench-workflows-task:bench",
  startDate: 1_795_257_937.01,
});

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    response.setHeader("Content-Type", "application/x-amz-json-1.0").end(RESPONSE);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.send?.({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
