/**
 * Calls of AWS's JSON services without the SDK, for hot paths: signed (Signature Version 4), over kept connections, with retries.
 * Everything else is better off with the SDK.
 */
import { createHash, createHmac } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import * as z from "zod";

import { systemClock, sleep, type Clock } from "./clock";
import type { EnvironmentSource } from "./environment";
import { errorCode } from "./errors";

const ATTEMPTS = 4;
const FIRST_BACKOFF_MS = 50;
const TIMEOUT_MS = 5_000;

/** What is worth another try, by AWS's name for it. */
const TRANSIENT = new Set([
  "InternalServerError",
  "ItemCollectionSizeLimitExceededException",
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TransactionInProgressException",
]);

const errorSchema = z.looseObject({
  __type: z.string().optional(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

/** A service's answer that is no success. `name` is its code, as of the SDK's errors: "ResourceNotFoundException". */
export class AwsCallError extends Error {
  override readonly name: string;
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(code: string, message: string, status: number) {
    super(message);
    this.name = code;
    this.$metadata = { httpStatusCode: status };
  }
}

/**
 * Calls an operation (`"DynamoDB_20120810.Query"`) with a body, JSON text, and returns what was answered, parsed. Retries what may
 * pass: throttling, answers with 5xx, broken connections, silence.
 *
 * @throws {@link AwsCallError}, or the connection's own error
 */
export type SignedCaller = (operation: string, body: string) => Promise<unknown>;

export interface SignedCallerOptions {
  /** As it signs: `dynamodb`. */
  readonly service: "dynamodb" | "sqs";
  /** Of the service's JSON: `1.0`. @default "1.0" */
  readonly jsonVersion?: "1.0" | "1.1";
  /** Connections at one time. @default 50 */
  readonly connections?: number;
  /** Where region, credentials and endpoint are, as Lambda sets them. @default process.env */
  readonly environment?: EnvironmentSource;
  readonly clock?: Clock;
  /** Uniform in [0, 1): spreads retries. @default Math.random */
  readonly random?: () => number;
}

export function signedCaller({
  service,
  jsonVersion = "1.0",
  connections = 50,
  environment = process.env,
  clock = systemClock,
  random = Math.random,
}: SignedCallerOptions): SignedCaller {
  const region = needed(environment, "AWS_REGION");
  const endpoint = endpointOf(service, region, environment);
  const contentType = `application/x-amz-json-${jsonVersion}`;
  const isSecure = endpoint.protocol === "https:";
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: connections });
  const send = isSecure ? httpsRequest : httpRequest;
  const sign = signer({ service, region, host: endpoint.host, contentType, environment });
  const fixed: RequestOptions = {
    method: "POST",
    host: endpoint.hostname,
    port: endpoint.port,
    path: "/",
    agent,
    timeout: TIMEOUT_MS,
  };

  function once(operation: string, body: Buffer): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve, reject) => {
      const headers = sign(operation, body, new Date(clock.now()));
      const request = send({ ...fixed, headers }, (response) => {
        readAll(response).then((text) => {
          resolve({ status: response.statusCode ?? 0, text });
        }, reject);
      });
      request.on("timeout", () =>
        request.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })),
      );
      request.on("error", reject);
      request.end(body);
    });
  }

  return async (operation, body) => {
    const bytes = Buffer.from(body);
    for (let attempt = 1; ; attempt++) {
      try {
        const { status, text } = await once(operation, bytes);
        if (status === 200) return JSON.parse(text) as unknown;
        throw failure(status, text);
      } catch (error) {
        if (attempt === ATTEMPTS || !isTransient(error)) throw error;
      }
      await sleep(clock, random() * FIRST_BACKOFF_MS * 2 ** attempt);
    }
  };
}

function readAll(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const [only] = chunks;
      resolve((chunks.length === 1 && only ? only : Buffer.concat(chunks)).toString());
    });
    response.on("error", reject);
    response.on("aborted", () => {
      reject(Object.assign(new Error("the answer broke off"), { code: "ECONNRESET" }));
    });
  });
}

function failure(status: number, text: string): AwsCallError {
  let answer: z.output<typeof errorSchema> = {};
  try {
    answer = errorSchema.parse(JSON.parse(text));
  } catch {
    // Something between here and the service answered, with a page of its own.
  }
  const code = answer.__type?.split("#").at(-1) ?? `Http${status}`;
  return new AwsCallError(code, answer.message ?? answer.Message ?? `answered with status ${status}`, status);
}

function isTransient(error: unknown): boolean {
  if (error instanceof AwsCallError)
    return error.$metadata.httpStatusCode >= 500 || error.$metadata.httpStatusCode === 429 || TRANSIENT.has(error.name);
  // Of the connection; and an answer that is no JSON was cut short.
  return errorCode(error) !== undefined || error instanceof SyntaxError;
}

interface Signing {
  readonly service: string;
  readonly region: string;
  readonly host: string;
  readonly contentType: string;
  readonly environment: EnvironmentSource;
}

/** Signature Version 4; the day's key is derived once. https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
function signer({ service, region, host, contentType, environment }: Signing) {
  let cached: { readonly day: string; readonly secret: string; readonly key: Buffer } | undefined;

  function keyOf(day: string, secret: string): Buffer {
    if (cached?.day !== day || cached.secret !== secret) {
      const key = [day, region, service, "aws4_request"].reduce<Buffer | string>(
        (key, part) => createHmac("sha256", key).update(part).digest(),
        `AWS4${secret}`,
      );
      cached = { day, secret, key: Buffer.from(key) };
    }
    return cached.key;
  }

  return (operation: string, body: Buffer, now: Date): Record<string, string | number> => {
    // Read each time: whoever runs this may renew them.
    const accessKey = needed(environment, "AWS_ACCESS_KEY_ID");
    const secret = needed(environment, "AWS_SECRET_ACCESS_KEY");
    const token = environment["AWS_SESSION_TOKEN"] || undefined;
    const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
    const day = time.slice(0, 8);
    const scope = `${day}/${region}/${service}/aws4_request`;
    const names = `content-type;host;x-amz-date${token === undefined ? "" : ";x-amz-security-token"};x-amz-target`;
    const canonical =
      `POST\n/\n\ncontent-type:${contentType}\nhost:${host}\nx-amz-date:${time}\n` +
      (token === undefined ? "" : `x-amz-security-token:${token}\n`) +
      `x-amz-target:${operation}\n\n${names}\n${sha256(body)}`;
    const signature = createHmac("sha256", keyOf(day, secret))
      .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`)
      .digest("hex");
    return {
      Host: host,
      "Content-Type": contentType,
      "Content-Length": body.length,
      "X-Amz-Date": time,
      "X-Amz-Target": operation,
      ...(token !== undefined && { "X-Amz-Security-Token": token }),
      Authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    };
  };
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Where the SDK would look, too: the service's own variable first. */
function endpointOf(service: string, region: string, environment: EnvironmentSource): URL {
  const given = environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || environment["AWS_ENDPOINT_URL"];
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return new URL(given || `https://${service}.${region}.${suffix}`);
}

function needed(environment: EnvironmentSource, name: string): string {
  const value = environment[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
