/** A proxy between deployed functions and SQS, which a test makes silent or lets refuse. */
import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { withDeployment, type awsConfiguration } from "./system";

/** `silent`: accepts requests and answers none. `denied`: as a queue does whose policy denies access. */
type Mode = "forward" | "silent" | "denied";

export interface QueueProxy {
  /** What happens to requests to the queues whose URL ends so. @param queue @default all */
  set(mode: Mode, queue?: string): void;
  /** Requests that were not forwarded. */
  withheld(): number;
}

const DENIED = JSON.stringify({ __type: "com.amazonaws.sqs#AccessDeniedException", message: "denied by a test" });

/** Runs the work while the functions reach SQS through a proxy. Restores their configuration afterwards. */
export async function withQueueProxy(
  aws: ReturnType<typeof awsConfiguration>,
  functionNames: readonly string[],
  work: (proxy: QueueProxy) => Promise<void>,
): Promise<void> {
  const lambda = new LambdaClient(aws);
  let mode: Mode = "forward";
  let suffix = "";
  let withheld = 0;
  const { hostname, port } = new URL(aws.endpoint);
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    if (mode !== "forward" && body.includes(`${suffix}"`)) {
      withheld += 1;
      if (mode === "denied") response.writeHead(400, { "content-type": "application/x-amz-json-1.0" }).end(DENIED);
      return;
    }
    const { method = "POST", url: path = "/", headers } = incoming;
    send({ hostname, port, method, path, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    })
      .on("error", () => response.destroy())
      .end(body);
  };
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const change = async (variables: Readonly<Record<string, string>>): Promise<() => Promise<void>> => {
    const restores = await Promise.all(
      functionNames.map(async (FunctionName) => {
        const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        const Variables = { ...Environment?.Variables, ...variables };
        await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
        return () =>
          lambda.send(
            new UpdateFunctionConfigurationCommand({
              FunctionName,
              Environment: { Variables: { ...Environment?.Variables } },
            }),
          );
      }),
    );
    return async () => {
      await Promise.all(restores.map((restore) => restore()));
    };
  };
  try {
    await withDeployment(async () => {
      const restore = await change({ AWS_ENDPOINT_URL_SQS: url });
      try {
        await work({
          set: (next, queue = "") => {
            [mode, suffix] = [next, queue];
          },
          withheld: () => withheld,
        });
      } finally {
        await restore();
      }
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
