/** Free ports, for servers that tests and `dev` commands start. */
import { once } from "node:events";
import { createServer } from "node:net";

/** A port of loopback that nothing uses. The system gives each caller another one: suites that start side by side do not share theirs. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
