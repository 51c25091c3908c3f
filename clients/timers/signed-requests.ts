/** Requests to an API Gateway that asks for signatures (AWS_IAM): signed, limited in time, and tried again where that may help. */
import { createHash, createHmac } from "node:crypto";

import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";

import { errorSchema } from "./answers";
import { errorOf, mayPass, TimersError, UnavailableError } from "./errors";

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface TimersClientOptions {
  /** Where the API's paths begin: `https://abc123.execute-api.eu-central-1.amazonaws.com/live`. */
  readonly url: string;
  /** @default the one in `url`, or else that of AWS_REGION */
  readonly region?: string;
  /** @default whatever the AWS SDK finds: environment, profile, SSO, container, instance */
  readonly credentials?: Credentials | (() => Promise<Credentials>);
  /** The most tries of one request: after 429, 5xx and silence. @default 4 */
  readonly maxAttempts?: number;
  /** How long one try may take, milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** For tests. @default fetch */
  readonly fetch?: typeof fetch;
  /** For tests: waits so many milliseconds. @default by the clock */
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

export interface ApiRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Each percent-encoded: `["periodic", "a%3Ab"]`. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed; text that is not JSON as it is. */
  readonly body: unknown;
}

/** @throws {@link TimersError} when the answer is neither 200 nor 404 */
export type SignedRequests = (request: ApiRequest) => Promise<ApiAnswer>;

export function signedRequests(options: TimersClientOptions): SignedRequests {
  const { maxAttempts = 4, timeoutMs = 10_000, fetch: ask = fetch, credentials = defaultProvider() } = options;
  const base = new URL(options.url);
  const signer = new SignatureV4({
    service: "execute-api",
    region: options.region ?? regionOf(base),
    credentials,
    sha256: Sha256,
  });

  async function once({ method, path, query = {}, body }: ApiRequest): Promise<ApiAnswer & { retryAfterMs: number }> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const url = new URL(base);
    url.pathname = [base.pathname.replace(/\/$/, ""), ...path].join("/");
    url.search = new URLSearchParams(query).toString();
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: { ...query },
      headers: { host: url.host, ...(content !== undefined && { "content-type": "application/json" }) },
      body: content,
    });
    const { host: _, ...sent } = headers; // fetch writes it by itself
    try {
      const answer = await ask(url, {
        method,
        headers: sent,
        signal: AbortSignal.timeout(timeoutMs),
        ...(content !== undefined && { body: content }),
      });
      const retryAfterMs = (Number(answer.headers.get("retry-after")) || 0) * 1_000;
      return { status: answer.status, body: parsed(await answer.text()), retryAfterMs };
    } catch (cause) {
      throw new UnavailableError(`${method} ${url.href}: no answer (${describe(cause)})`, undefined, { cause });
    }
  }

  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      let waitMs = 0;
      try {
        const { status, body, retryAfterMs } = await once(request);
        if (status === 200 || status === 404) return { status, body };
        waitMs = retryAfterMs;
        throw errorOf(status, messageOf(body, status));
      } catch (error) {
        if (attempt >= maxAttempts || !mayPass(error)) throw error;
      }
      await backOff(attempt, waitMs, options);
    }
  };
}

/** Waits longer after each try, and never as long as anybody else. */
export async function backOff(attempt: number, leastMs: number, options: TimersClientOptions): Promise<void> {
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
  return errorSchema.safeParse(body).data?.message ?? `answered with status ${status}`;
}

function regionOf({ hostname }: URL): string {
  const region = /\.execute-api\.([a-z0-9-]+)\./.exec(hostname)?.[1] ?? process.env["AWS_REGION"];
  if (region === undefined)
    throw new TimersError("which region is it in? Give TimersClient a region, or set AWS_REGION");
  return region;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** fetch hides why in a cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** Node's own, as the signer takes it. */
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
