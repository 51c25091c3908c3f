import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { localSettings } from "../../../../scripts/emulator/local-settings";
import { ingressClient } from "../../../../scripts/shared/aws/ingress-client";

it.each([
  ["repeats what the API could not take", [503, 202], [202, 2]],
  ["does not repeat what the API rejects", [400, 202], [400, 1]],
])("%s", async (_, answers, expected) => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => response.writeHead(answers[bodies.push(body) - 1] ?? 500).end("{}"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pipelines/jobOrder`;
    const { status } = await ingressClient(url, localSettings(url))("{}");
    expect([status, bodies.length]).toEqual(expected);
    expect(new Set(bodies)).toEqual(new Set(["{}"]));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
