/** Starts the server of the local pages, and puts its webhooks into the parameters that the Slack sender reads. */
import { join } from "node:path";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { errorName } from "../../../functions/shared/errors";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { startCompanion, type Companion } from "../companion";

/** Relative to the project. */
const SERVER = "scripts/local/pages/serve.ts";

export interface PagesOptions {
  /** Of its log. */
  readonly folder: string;
  /** True: it ends with this process, even when this process is killed. */
  readonly endsWithUs: boolean;
  /** The emulator. */
  readonly endpoint: string;
  /** @default no status page */
  readonly statusPageBucket?: string;
  /** The pages' until now. @default any free one */
  readonly port?: string;
}

/** @throws CompanionFailedError */
export function startPages({ folder, endsWithUs, endpoint, statusPageBucket, port }: PagesOptions): Promise<Companion> {
  return startCompanion({
    title: "the local pages",
    args: [
      ...["--import", "tsx", SERVER, "--endpoint", endpoint],
      ...(statusPageBucket === undefined ? [] : ["--status-page-bucket", statusPageBucket]),
      ...(port === undefined ? [] : ["--port", port]),
    ],
    log: join(folder, "pages.log"),
    endsWithUs,
  });
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
