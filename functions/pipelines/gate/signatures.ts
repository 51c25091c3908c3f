/** Signatures of webhooks: what each sender signs, and how. No I/O. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import { MINUTE_SECONDS, SECOND_MS } from "../../shared/time";
import type { WebhookVerification } from "../contract";

/** Headers by name in lower case, and the body as it was sent. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a request claims: the signatures that it has, and what they sign. */
interface Claim {
  readonly content: string;
  /** What is the same when the sender repeats the delivery, which some sign with another time. @default the content */
  readonly delivery?: string;
  readonly signatures: readonly Buffer[];
  /** Unix time in seconds. Undefined for senders that sign none. */
  readonly sentAt?: number;
}

interface Scheme {
  readonly algorithm: "sha1" | "sha256" | "sha512";
  /** Undefined when the request lacks what the sender sends. */
  readonly claim: (request: SignedRequest) => Claim | undefined;
  /** The key of the HMAC. @default the secret's text */
  readonly keyOf?: (secret: string) => Buffer;
}

/** The senders' own: five minutes. They count whole seconds, because the timestamp has no others. */
const TOLERANCE_SECONDS = 5 * MINUTE_SECONDS;

/** @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
const github: Scheme = {
  algorithm: "sha256",
  claim: ({ headers, body }) => {
    const signature = headers["x-hub-signature-256"];
    return signature === undefined ? undefined : { content: body, signatures: decoded([signature], "hex", "sha256=") };
  },
};

/** @see https://docs.stripe.com/webhooks#verify-manually */
const stripe: Scheme = {
  algorithm: "sha256",
  claim: ({ headers, body }) => {
    const parts = (headers["stripe-signature"] ?? "").split(",").map((part) => part.trim());
    const time = parts.find((part) => part.startsWith("t="))?.slice("t=".length) ?? "";
    const sentAt = timeOf(time);
    return sentAt === undefined
      ? undefined
      : { content: `${time}.${body}`, delivery: body, signatures: decoded(parts, "hex", "v1="), sentAt };
  },
};

/** @see https://docs.slack.dev/authentication/verifying-requests-from-slack */
const slack: Scheme = {
  algorithm: "sha256",
  claim: ({ headers, body }) => {
    const { "x-slack-signature": signature = "", "x-slack-request-timestamp": time = "" } = headers;
    const sentAt = timeOf(time);
    return sentAt === undefined
      ? undefined
      : { content: `v0:${time}:${body}`, delivery: body, signatures: decoded([signature], "hex", "v0="), sentAt };
  },
};

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
const standardWebhooks: Scheme = {
  algorithm: "sha256",
  keyOf: (secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"),
  claim: ({ headers, body }) => {
    const { "webhook-id": id, "webhook-timestamp": time = "", "webhook-signature": signatures = "" } = headers;
    const sentAt = timeOf(time);
    if (id === undefined || sentAt === undefined) return undefined;
    return {
      content: `${id}.${time}.${body}`,
      delivery: `${id}.${body}`,
      signatures: decoded(signatures.split(" "), "base64", "v1,"),
      sentAt,
    };
  },
};

const SCHEMES = { github, stripe, slack, "standard-webhooks": standardWebhooks } as const;

/** Any HMAC: `{ header: "X-Signature", algorithm: "sha256", encoding: "hex", template: "{header:x-time}.{body}" }`. */
function customScheme(custom: Exclude<WebhookVerification, string>): Scheme {
  const { header, algorithm, encoding, template, timestampHeader } = custom;
  return {
    algorithm,
    claim: ({ headers, body }) => {
      const signature = headers[header.toLowerCase()];
      if (signature === undefined) return undefined;
      const sentAt = timestampHeader === undefined ? undefined : timeOf(headers[timestampHeader.toLowerCase()] ?? "");
      if (timestampHeader !== undefined && sentAt === undefined) return undefined;
      const content = template.replace(/\{(?:body|header:([\w-]+))\}/g, (_, name: string | undefined) =>
        name === undefined ? body : (headers[name.toLowerCase()] ?? ""),
      );
      const signatures = decoded(signature.split(",").map(withoutPrefix), encoding, "");
      return { content, signatures, ...(sentAt !== undefined && { sentAt }) };
    },
  };
}

/** `sha256=`, `v1=`: a hexadecimal signature has no equals sign, one in Base64 has them at its end. */
const withoutPrefix = (signature: string): string => signature.trim().replace(/^[\w-]{1,20}=(?=[^=])/, "");

/** A request's signature is missing, wrong, or too old. The reason is for logs: the sender gets none. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
}

/**
 * @param secrets several while one is rotated
 * @param now epoch milliseconds
 * @returns what identifies the delivery, the same with either secret
 * @throws {@link SignatureError}
 */
export function verifySignature(
  request: SignedRequest,
  verification: WebhookVerification,
  secrets: readonly string[],
  now: number,
): string {
  const scheme = typeof verification === "string" ? SCHEMES[verification] : customScheme(verification);
  const claim = scheme.claim(request);
  if (claim === undefined) throw new SignatureError("a header of the signature is missing or malformed");
  const { content, delivery = content, signatures, sentAt } = claim;
  if (sentAt !== undefined && Math.abs(Math.floor(now / SECOND_MS) - sentAt) > TOLERANCE_SECONDS)
    throw new SignatureError("the timestamp is more than five minutes away");
  for (const secret of secrets) {
    const key = scheme.keyOf?.(secret) ?? Buffer.from(secret);
    if (key.length === 0) continue; // of a secret without Base64 characters: everybody has this key
    const expected = createHmac(scheme.algorithm, key).update(content).digest();
    if (signatures.some((signature) => isEqual(signature, expected)))
      return createHash("sha256").update(delivery).digest("hex");
  }
  throw new SignatureError("the signature does not match");
}

function isEqual(signature: Buffer, expected: Buffer): boolean {
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

/** Whole texts: Buffer.from ignores what follows, and what is no digit of the encoding. Senders differ in Base64's alphabet and padding. */
const ENCODED = { hex: /^(?:[\da-f]{2})+$/i, base64: /^[\w+/-]+={0,2}$/ } as const;

/** Those with the prefix. More than a rotation needs are ignored. */
function decoded(texts: readonly string[], encoding: keyof typeof ENCODED, prefix: string): readonly Buffer[] {
  return texts
    .filter((text) => text.startsWith(prefix))
    .slice(0, MAX_SIGNATURES)
    .map((text) => text.slice(prefix.length))
    .filter((text) => ENCODED[encoding].test(text))
    .map((text) => Buffer.from(text, encoding));
}

const MAX_SIGNATURES = 10;

/** Unix time in seconds. */
function timeOf(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}
