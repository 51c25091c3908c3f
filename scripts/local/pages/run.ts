/** Starts the server of the local pages, and puts its webhooks into the parameters that the Slack sender reads. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { errorName } from "../../../functions/shared/errors";
import type { AwsSettings } from "../../shared/aws-settings";
import { identifyProcess, type ProcessIdentity } from "../../shared/processes";
import { lastLines } from "../../shared/run-command";

/** Relative to the project. */
const SERVER = "scripts/local/pages/serve.ts";

const READY_WITHIN_MS = 20_000;

export interface StartedPages {
  /** `http://127.0.0.1:40123` */
  readonly url: string;
  readonly process: ProcessIdentity;
}

/** The server of the local pages did not start. The message has the end of its log. */
export class PagesFailedError extends Error {
  override readonly name = "PagesFailedError";
}

export interface PagesOptions {
  /** Of its log. */
  readonly folder: string;
  /** True: it ends with this process, even when this process is killed. */
  readonly endsWithUs: boolean;
  /** The emulator. */
  readonly endpoint: string;
  /** @default no status page */
  readonly statusPageBucket?: string;
}

/** @throws PagesFailedError */
export async function startPages(options: PagesOptions): Promise<StartedPages> {
  const { folder, endsWithUs, endpoint, statusPageBucket } = options;
  await mkdir(folder, { recursive: true });
  const log = join(folder, "pages.log");
  const output = openSync(log, "w");
  const args = [
    ...(endsWithUs ? ["--until-stdin-closes"] : []),
    ...["--endpoint", endpoint],
    ...(statusPageBucket === undefined ? [] : ["--status-page-bucket", statusPageBucket]),
  ];
  const child = spawn(process.execPath, ["--import", "tsx", SERVER, ...args], {
    stdio: [endsWithUs ? "pipe" : "ignore", output, output],
    detached: process.platform !== "win32",
  });
  closeSync(output);
  child.stdin?.on("error", () => undefined);
  child.unref();
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  const until = Date.now() + READY_WITHIN_MS;
  while (identity !== undefined && child.exitCode === null && Date.now() < until) {
    const [port] = /^\d+(?=\n)/.exec(await readFile(log, "utf8")) ?? [];
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, process: identity };
    await sleep(50);
  }
  child.kill();
  throw new PagesFailedError(
    `The server of the local pages did not start:\n${lastLines(await readFile(log, "utf8"), 10)}`,
  );
}

/**
 * Puts the stand-in's webhook into each parameter, as a SecureString. A parameter with another value is the user's own.
 * @returns the names of those that were left as they are
 */
export async function putWebhooks(
  url: string,
  parameters: readonly string[],
  aws: AwsSettings,
): Promise<readonly string[]> {
  const ssm = new SSMClient(aws);
  const kept: string[] = [];
  try {
    for (const Name of parameters) {
      const Value = `${url}/services${Name}`;
      const current = await valueOf(ssm, Name);
      if (current === Value) continue;
      if (current !== undefined && !STAND_IN.test(current)) {
        kept.push(Name);
        continue;
      }
      await ssm.send(new PutParameterCommand({ Name, Value, Type: "SecureString", Overwrite: current !== undefined }));
    }
  } finally {
    ssm.destroy();
  }
  return kept;
}

/** The stand-in of an earlier start, on another port. */
const STAND_IN = /^http:\/\/127\.0\.0\.1:\d+\/services\//;

async function valueOf(ssm: SSMClient, Name: string): Promise<string | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
    return Parameter?.Value;
  } catch (error) {
    if (errorName(error) === "ParameterNotFound") return undefined;
    throw error;
  }
}
