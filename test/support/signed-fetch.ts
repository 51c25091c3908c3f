/** Requests signed for AWS, by header or in the address. */
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

type SourceData = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 by Node, as the signer asks for it. */
class Sha256 {
  readonly #hash;

  constructor(secret?: SourceData) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    throw new Error("the signer takes a new one for each thing that it hashes");
  }
}

function bytesOf(data: SourceData): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SignedRequest {
  readonly method: string;
  /** @default JSON, where there is a body */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** @default an API of ours (AWS_IAM) */
  readonly service?: string;
}

/** A request to an API of ours, or to an AWS service, signed as the AWS SDKs sign. */
export async function signedFetch(
  address: string,
  { method, headers: given, body = "", service = "execute-api" }: SignedRequest,
  aws: {
    readonly region: string;
    readonly credentials: AwsKeys;
  },
): Promise<Response> {
  const url = new URL(address);
  const signer = new SignatureV4({ ...aws, service, sha256: Sha256 });
  const { headers } = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...(body !== "" && { "content-type": "application/json" }), ...given, host: url.host },
    body,
  });
  return fetch(url, { method, headers, ...(body !== "" && { body }) });
}

/** The address of a request without a body whose signature is in its query, so that a browser can send it without special headers. */
export async function presignedAddress(
  address: string,
  { method, service = "execute-api" }: Pick<SignedRequest, "method" | "service">,
  aws: { readonly region: string; readonly credentials: AwsKeys },
): Promise<string> {
  const url = new URL(address);
  const signer = new SignatureV4({ ...aws, service, sha256: Sha256 });
  const { query = {} } = await signer.presign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host },
  });
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}
