/**
 * Calls to AWS services that speak JSON over POST (DynamoDB, SQS), for paths that make thousands of calls a second. A call of the SDK's
 * client costs a millisecond or two of CPU, one of these a fifth of one: it signs with a key that is made once a day, and neither
 * builds nor takes apart what is sent. Everything else uses the SDK.
 */
import { createHmac, hash } from "node:crypto";

import { jitteredBackoffMs } from "../backoff";
import { sleep, type Clock } from "../clock";
import type { EnvironmentSource } from "../environment";
import { errorCode } from "../errors";
import type { Transport } from "./transport";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsJsonOptions {
  readonly service: "dynamodb" | "sqs";
  /** `https://sqs.eu-central-1.amazonaws.com`; its path, if it has one, is not looked at. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Connected to the endpoint. */
  readonly transport: Transport;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads the retries of many callers. */
  readonly random: () => number;
}

export interface AwsJson {
  /**
   * One call: `call("DynamoDB_20120810.Query", body)`. What the network or the service may do better the second time is tried again,
   * so a call that has an effect may have it twice.
   *
   * @param body JSON
   * @returns the answer's JSON
   * @throws {@link AwsJsonError}, and the transport's errors where there was no answer
   */
  call(target: string, body: string): Promise<string>;
  /** Ends idle connections. */
  close(): void;
}

/** The service has refused a call, its error's code as the name: `ConditionalCheckFailedException`. */
export class AwsJsonError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const ATTEMPTS = 5;
const BACKOFF = { firstMs: 100, longestMs: 2_000 };

const CONTENT_TYPE = "application/x-amz-json-1.0";

/** Codes of a 400 that says "not now": all services' names for it. */
const THROTTLED = /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|TransactionInProgress|SlowDown/;

/** Lambda's own, from its environment. Good for as long as the sandbox lives. */
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
  const { endpoint, transport, clock, random } = options;
  const sign = signer(options, new URL(endpoint).host);

  const attempt = async (target: string, body: string): Promise<string> => {
    const { status, text } = await transport.post(sign(target, body), body);
    if (status === 200) return text;
    throw errorOf(status, text);
  };

  return {
    call: async (target, body) => {
      for (let attempts = 1; ; attempts++) {
        try {
          return await attempt(target, body);
        } catch (error) {
          if (attempts >= ATTEMPTS || !mayPass(error)) throw error;
        }
        await sleep(clock, jitteredBackoffMs(attempts, BACKOFF, random));
      }
    },
    close: () => {
      transport.close();
    },
  };
}

/** True for what may go well the second time. Errors with a code are the transport's: reset, refused, silent. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof AwsJsonError)) return errorCode(error) !== undefined;
  return error.status >= 500 || error.status === 429 || THROTTLED.test(error.name);
}

/** `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"..."}` */
function errorOf(status: number, text: string): AwsJsonError {
  let fields: { readonly __type?: unknown; readonly message?: unknown; readonly Message?: unknown } = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) fields = parsed;
  } catch {
    // Proxies and overloaded services answer with HTML; the status says enough.
  }
  const { __type: type, message = fields.Message } = fields;
  const name = typeof type === "string" ? type.replace(/^.*#/, "") : "UnknownError";
  return new AwsJsonError(name, typeof message === "string" ? message : `status ${status}`, status);
}

/**
 * Signature Version 4 of a POST to `/`.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * @returns the headers of a call, names and values in turn: so Node takes them as they are
 */
function signer(
  { service, region, credentials, clock }: AwsJsonOptions,
  host: string,
): (target: string, body: string) => string[] {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signed = `content-type;host;x-amz-date${sessionToken === undefined ? "" : ";x-amz-security-token"};x-amz-target`;
  let day = "";
  let key: Buffer = Buffer.alloc(0);
  return (target, body) => {
    const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, "");
    const today = time.slice(0, 8);
    if (day !== today) {
      key = [today, region, service, "aws4_request"].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
      day = today;
    }
    const token = sessionToken === undefined ? "" : `x-amz-security-token:${sessionToken}\n`;
    const headers = `content-type:${CONTENT_TYPE}\nhost:${host}\nx-amz-date:${time}\n${token}x-amz-target:${target}\n`;
    const scope = `${today}/${region}/${service}/aws4_request`;
    const canonical = sha256(`POST\n/\n\n${headers}\n${signed}\n${sha256(body)}`);
    const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${canonical}`).toString("hex");
    return [
      ...["content-type", CONTENT_TYPE, "content-length", String(Buffer.byteLength(body)), "host", host],
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
