/** Runs the deployed dispatcher in a separate process that can be killed during a run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildSync } from "esbuild";

import type { DispatchEnvironment } from "../../../functions/timers/contract";
import { BUNDLE_OPTIONS } from "../../../modules/constructs/bundling/options";
import { keysOf } from "../../../scripts/shared/emulator-keys";
import { lambdaContext, scheduledEvent } from "../../support/lambda";

/** A minimal Lambda runtime: calls the handler of the bundle. */
const RUNTIME = `
  const [file, event, context, remainingMs] = process.argv.slice(1);
  const end = Date.now() + Number(remainingMs);
  const lambdaContext = { ...JSON.parse(context), getRemainingTimeInMillis: () => end - Date.now() };
  require(file).handler(JSON.parse(event), lambdaContext).then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
  });
`;

export interface Dispatch {
  readonly endpoint: string;
  readonly environment: DispatchEnvironment;
  /** From the rule. */
  readonly event: { readonly target: number; readonly targets: number };
  /** Until Lambda's timeout. */
  readonly remainingMs: number;
  /** Kills the process at this SendMessageBatch, before SQS receives it. @default never */
  readonly killAtBatch?: number;
}

/** @property batches number of SendMessageBatch requests that reached SQS */
export interface DispatchEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly batches: number;
}

/** One tick of the bundled dispatcher, behind a proxy that counts its requests to the emulator. */
export async function dispatchInProcess(dispatch: Dispatch): Promise<DispatchEnd> {
  const { endpoint, environment, event, remainingMs, killAtBatch = Infinity } = dispatch;
  const directory = mkdtempSync(join(tmpdir(), "almanac-e2e-dispatch-"));
  const outfile = join(directory, "dispatch.js");
  buildSync({ ...BUNDLE_OPTIONS, sourcemap: false, entryPoints: ["functions/timers/dispatch.ts"], outfile });

  const { accessKeyId, secretAccessKey } = keysOf(endpoint);
  let received = 0;
  let batches = 0;
  /** Those of a run that is killed pass one after the other: the dispatcher sends many at once, and would be killed before an answer. */
  let answered: Promise<unknown> = Promise.resolve();
  let kill = (): unknown => undefined;
  const proxy = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const isBatch = request.headers["x-amz-target"] === "AmazonSQS.SendMessageBatch";
      const before = answered;
      let finish = (): void => undefined;
      if (isBatch && killAtBatch < Infinity) {
        answered = new Promise<void>((resolve) => (finish = resolve));
        await before;
      }
      try {
        if (isBatch && ++received >= killAtBatch) {
          kill();
          return;
        }
        // With the Host header of the request, which is signed.
        const forwarded = httpRequest(endpoint, { method: "POST", headers: request.headers }).end(
          Buffer.concat(chunks),
        );
        const [answer] = (await once(forwarded, "response")) as [IncomingMessage];
        const body: Buffer[] = [];
        for await (const chunk of answer) body.push(chunk as Buffer);
        if (isBatch) batches += 1;
        response
          .writeHead(answer.statusCode ?? 502, { "Content-Type": "application/x-amz-json-1.0" })
          .end(Buffer.concat(body));
      } finally {
        finish();
      }
    };
    pass().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  try {
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const args = [outfile, JSON.stringify(scheduledEvent(event)), JSON.stringify(lambdaContext()), String(remainingMs)];
    const child = spawn(process.execPath, ["-e", RUNTIME, ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...environment,
        AWS_ENDPOINT_URL: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        AWS_REGION: "eu-central-1",
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
        POWERTOOLS_SERVICE_NAME: "timers",
        ALMANAC_APP: "almanac",
        ALMANAC_ENVIRONMENT: "local",
      },
    });
    kill = () => child.kill("SIGKILL");
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return { code, signal, batches };
  } finally {
    proxy.closeAllConnections();
    proxy.close();
    rmSync(directory, { recursive: true });
  }
}
