/**
 * A client for AWS services with JSON protocols, for code that makes thousands of calls a second, and for users' functions, whose cold
 * start it shortens. A call takes less CPU than one of the SDK's client: the signing key is cached for a day, and bodies are neither
 * serialized nor parsed. All other code uses the SDK.
 */
import { createHmac, hash } from "node:crypto";

import { parseJson } from "../input";
import { jitteredBackoffMs } from "../resilience/backoff";
import { sleep, type Clock } from "../clock";
import type { EnvironmentSource } from "../environment";
import { errorCode } from "../errors";
import { SECOND_MS } from "../time";
import { isThrottlingCode, isTimeoutCode } from "./error-codes";
import type { Transport } from "./transport";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export type AwsJsonService = "dynamodb" | "sqs" | "ssm";

export interface AwsJsonOptions {
  readonly service: AwsJsonService;
  /** `https://sqs.eu-central-1.amazonaws.com`; its path is ignored. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Connected to the endpoint. */
  readonly transport: Transport;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter of retries. */
  readonly random: () => number;
  /** Limit of a call with its retries, when its deadline is not earlier. @default no limit */
  readonly timeoutMs?: number;
}

export interface AwsJson {
  /**
   * One call: `call("DynamoDB_20120810.Query", body)`. Retries transient errors, so calls must be idempotent.
   *
   * @param body JSON
   * @param deadline epoch milliseconds: the call settles by then, with its retries. @default no limit
   * @returns the response's JSON
   * @throws {@link AwsJsonError}, {@link CallTimeoutError}, and the transport's errors for a call without a response
   */
  call(target: string, body: string, deadline?: number): Promise<string>;
  /** Ends idle connections. */
  close(): void;
}

/** An error response. Its name is AWS's error code: `ConditionalCheckFailedException`. */
export class AwsJsonError extends Error {
  /** As in the SDK's errors. */
  readonly $metadata: { readonly httpStatusCode: number };

  /** @param response the parsed body: a failed condition's has the stored item */
  constructor(
    override readonly name: string,
    message: string,
    readonly status: number,
    readonly response?: unknown,
  ) {
    super(message);
    this.$metadata = { httpStatusCode: status };
  }
}

/** DynamoDB refused a write because its condition is false. */
export function isConditionFailure(error: unknown): error is AwsJsonError {
  return error instanceof AwsJsonError && error.name === "ConditionalCheckFailedException";
}

/** The call did not succeed before its deadline. It may still take effect. */
export class CallTimeoutError extends Error {
  override readonly name = "TimeoutError";
  readonly code = "ETIMEDOUT";
}

const ATTEMPTS = 5;
const BACKOFF = { firstMs: 100, longestMs: 2_000 };

/** By the version of the protocol in each service's API model. */
const CONTENT_TYPES: Readonly<Record<AwsJsonService, string>> = {
  dynamodb: "application/x-amz-json-1.0",
  sqs: "application/x-amz-json-1.0",
  ssm: "application/x-amz-json-1.1",
};

/** Lambda's credentials from its environment. Valid for the life of the execution environment. */
export function credentialsFrom(environment: EnvironmentSource): Credentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    throw new Error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}

export function createAwsJson(options: AwsJsonOptions): AwsJson {
  const { endpoint, transport, clock, random, timeoutMs = Infinity } = options;
  const sign = signer(options, new URL(endpoint).host);

  const attempt = async (target: string, body: string): Promise<string> => {
    const { status, text } = await transport.post(sign(target, body), body);
    if (status === 200) return text;
    throw errorOf(status, text);
  };

  /** A server that accepts connections and never responds must not outlast the caller. */
  const within = (deadline: number, target: string, body: string): Promise<string> => {
    if (deadline === Infinity) return attempt(target, body);
    return new Promise((resolve, reject) => {
      const cancel = clock.after(Math.max(0, deadline - clock.now()), () => {
        reject(new CallTimeoutError(`${target}: no response before the deadline`));
      });
      const settle = <Value>(settled: (value: Value) => void) => {
        return (value: Value): void => {
          cancel();
          settled(value);
        };
      };
      attempt(target, body).then(settle(resolve), settle(reject));
    });
  };

  return {
    call: async (target, body, limit = Infinity) => {
      const deadline = Math.min(limit, clock.now() + timeoutMs);
      for (let attempts = 1; ; attempts++) {
        try {
          return await within(deadline, target, body);
        } catch (error) {
          if (attempts >= ATTEMPTS || !isRetryable(error)) throw error;
          const backoff = jitteredBackoffMs(attempts, BACKOFF, random);
          if (clock.now() + backoff >= deadline) throw error;
          await sleep(clock, backoff);
        }
      }
    },
    close: () => {
      transport.close();
    },
  };
}

/** Errors with a code are the transport's: connection reset, refused, timed out. */
function isRetryable(error: unknown): boolean {
  return error instanceof AwsJsonError ? isTransient(error) : errorCode(error) !== undefined;
}

/** Whether an error response passes without anybody's action. */
export function isTransient({ status, name }: Pick<AwsJsonError, "status" | "name">): boolean {
  return status >= 500 || status === 429 || isThrottlingCode(name) || isTimeoutCode(name);
}

/** `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"..."}` */
function errorOf(status: number, text: string): AwsJsonError {
  let fields: { readonly __type?: unknown; readonly message?: unknown; readonly Message?: unknown } = {};
  try {
    const parsed: unknown = parseJson(text);
    if (typeof parsed === "object" && parsed !== null) fields = parsed;
  } catch {
    // Proxies and overloaded services respond with HTML. The status suffices.
  }
  const { __type: type, message = fields.Message } = fields;
  const name = typeof type === "string" ? type.replace(/^.*#/, "") : "UnknownError";
  return new AwsJsonError(name, typeof message === "string" ? message : `status ${status}`, status, fields);
}

/**
 * Signature Version 4 of a POST to `/`.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * @returns the call's headers, names and values alternating, as Node accepts them
 */
function signer(
  { service, region, credentials, clock }: AwsJsonOptions,
  host: string,
): (target: string, body: string) => string[] {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const contentType = CONTENT_TYPES[service];
  const signed = `content-type;host;x-amz-date${sessionToken === undefined ? "" : ";x-amz-security-token"};x-amz-target`;
  let day = "";
  let key: Buffer = Buffer.alloc(0);
  /** The same for all calls of a second to one target. */
  let head = { second: NaN, target: "", time: "", scope: "", canonical: "" };
  const headOf = (second: number, target: string): typeof head => {
    const time = new Date(second * SECOND_MS).toISOString().replace(/[-:]|\.\d+/g, "");
    const today = time.slice(0, 8);
    if (day !== today) {
      key = [today, region, service, "aws4_request"].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
      day = today;
    }
    const token = sessionToken === undefined ? "" : `x-amz-security-token:${sessionToken}\n`;
    const headers = `content-type:${contentType}\nhost:${host}\nx-amz-date:${time}\n${token}x-amz-target:${target}\n`;
    const scope = `${today}/${region}/${service}/aws4_request`;
    return { second, target, time, scope, canonical: `POST\n/\n\n${headers}\n${signed}\n` };
  };
  return (target, body) => {
    const second = Math.floor(clock.now() / SECOND_MS);
    if (head.second !== second || head.target !== target) head = headOf(second, target);
    const { time, scope, canonical } = head;
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical + sha256(body))}`;
    const signature = createHmac("sha256", key).update(text).digest("hex");
    return [
      ...["content-type", contentType, "content-length", String(Buffer.byteLength(body)), "host", host],
      ...["x-amz-date", time, "x-amz-target", target],
      ...(sessionToken === undefined ? [] : ["x-amz-security-token", sessionToken]),
      "authorization",
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    ];
  };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return hash("sha256", text);
}
