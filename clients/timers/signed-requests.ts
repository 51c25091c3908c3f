/** Requests to an API Gateway with AWS_IAM authorization: signed, with a timeout and retries. */
import { createHash, createHmac } from "node:crypto";

import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";

import { errorSchema } from "./responses";
import { errorForStatus, isRetryable, TimersError, UnavailableError } from "./errors";

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

/** The longest Retry-After that is waited for. An earlier attempt would be refused. */
const LONGEST_WAIT_MS = 60_000;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface TimersClientOptions {
  /** The API's base URL: `https://abc123.execute-api.eu-central-1.amazonaws.com/live`. */
  readonly url: string;
  /** @default the region in `url`, or AWS_REGION */
  readonly region?: string;
  /** @default the AWS SDK's provider chain: environment, profile, SSO, container, instance */
  readonly credentials?: Credentials | (() => Promise<Credentials>);
  /** Attempts per request; 429, 5xx and timeouts are retried. @default 4 */
  readonly maxAttempts?: number;
  /** Timeout of one attempt. @default 30000: API Gateway responds within 29 s, and an attempt that ends earlier repeats work that goes on */
  readonly timeoutMs?: number;
  /** For tests. @default fetch */
  readonly fetch?: typeof fetch;
  /** For tests. @default setTimeout */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Percent-encoded segments: `["periodic", "a%3Ab"]`. */
  readonly path: readonly string[];
  /** Those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Sent by each attempt: the API recognizes a request whose response was lost. */
  readonly idempotencyKey?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface ApiResponse {
  readonly status: number;
  /** Parsed JSON, or the text when it is not JSON. */
  readonly body: unknown;
}

/** @throws {@link TimersError} when the status is neither 200 nor 404 */
export type SignedRequests = (request: ApiRequest) => Promise<ApiResponse>;

export function signedRequests(options: TimersClientOptions): SignedRequests {
  const { maxAttempts = 4, timeoutMs = 30_000, fetch: send = fetch, credentials = defaultProvider() } = options;
  const base = new URL(options.url);
  const signer = new SignatureV4({
    service: "execute-api",
    region: options.region ?? regionOf(base),
    credentials,
    sha256: Sha256,
  });

  async function attemptOnce({
    method,
    path,
    query: parameters = {},
    idempotencyKey,
    body,
  }: ApiRequest): Promise<ApiResponse & { retryAfterMs: number }> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const query = Object.fromEntries(
      Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    );
    const url = new URL(base);
    url.pathname = [base.pathname.replace(/\/$/, ""), ...path].join("/");
    url.search = new URLSearchParams(query).toString();
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query,
      headers: {
        host: url.host,
        ...(content !== undefined && { "content-type": "application/json" }),
        ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      },
      body: content,
    });
    const { host: _, ...sent } = headers; // fetch sets it
    try {
      const response = await send(url, {
        method,
        headers: sent,
        // Neither this signature nor these credentials are for another URL.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
        ...(content !== undefined && { body: content }),
      });
      return { status: response.status, body: parsed(await response.text()), retryAfterMs: retryAfterOf(response) };
    } catch (cause) {
      throw new UnavailableError(`${method} ${url.href}: no response (${describe(cause)})`, undefined, { cause });
    }
  }

  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      let waitMs = 0;
      try {
        const { status, body, retryAfterMs } = await attemptOnce(request);
        if (status === 200 || status === 404) return { status, body };
        waitMs = retryAfterMs;
        throw errorForStatus(status, messageOf(body, status));
      } catch (error) {
        if (attempt >= maxAttempts || !isRetryable(error) || waitMs > LONGEST_WAIT_MS) throw error;
      }
      await sleepBeforeRetry(attempt, waitMs, options);
    }
  };
}

/** Seconds, or a date, as proxies send it: by the sender's clock. 0 without one. */
function retryAfterOf({ headers }: Response): number {
  const value = headers.get("retry-after") ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  return Math.max(0, Date.parse(value) - Date.parse(headers.get("date") ?? "")) || 0;
}

/** Exponential backoff with full jitter, added to `leastMs`. */
export async function sleepBeforeRetry(attempt: number, leastMs: number, options: TimersClientOptions): Promise<void> {
  const { sleep = waitFor } = options;
  await sleep(leastMs + Math.random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt));
}

function waitFor(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

export function messageOf(body: unknown, status: number): string {
  if (typeof body === "string" && body !== "") return body;
  return errorSchema.safeParse(body).data?.message ?? `status ${status}`;
}

function regionOf({ hostname }: URL): string {
  const region = /\.execute-api\.([a-z0-9-]+)\./.exec(hostname)?.[1] ?? process.env["AWS_REGION"];
  if (region === undefined) throw new TimersError("unknown region: pass `region` to TimersClient or set AWS_REGION");
  return region;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** fetch puts the reason into the cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** node:crypto behind the signer's interface. */
class Sha256 {
  private hash: ReturnType<typeof createHash | typeof createHmac>;

  constructor(private readonly secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = this.begin();
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    this.hash = this.begin();
  }

  private begin() {
    const { secret } = this;
    if (secret === undefined) return createHash("sha256");
    if (typeof secret === "string") return createHmac("sha256", secret);
    const key = ArrayBuffer.isView(secret)
      ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
      : Buffer.from(secret);
    return createHmac("sha256", key);
  }
}
