/**
 * The size of responses as Lambda sends them. Its limit of 6 MB applies to the JSON of status, headers and body, in which the body, JSON
 * itself, is a text: quotes and backslashes take two bytes. API Gateway answers 502 above it.
 */
import { jsonText } from "../json-text";

const MAX_RESPONSE_BYTES = 6_000_000;

/** For status, headers, and the fields around a list. */
const RESERVED_BYTES = 16_384;

const MAX_BODY_BYTES = MAX_RESPONSE_BYTES - RESERVED_BYTES;

/** A response that Lambda would refuse: a fault of the endpoint. */
export class ResponseTooLargeError extends Error {
  override readonly name = "ResponseTooLargeError";
}

/** @throws {@link ResponseTooLargeError} */
export function checkBodySize(body: string): void {
  // A character takes six bytes at most (\u0000): most bodies need no second look.
  if (body.length * 6 <= MAX_BODY_BYTES) return;
  const bytes = textBytes(body);
  if (bytes > MAX_BODY_BYTES) throw new ResponseTooLargeError(`the response has ${bytes} bytes`);
}

/** The first items that fit into one response: at least one. The rest is for the next page. */
export function fittingItems<Item>(items: readonly Item[]): readonly Item[] {
  let bytes = 0;
  const count = items.findIndex((item, index) => {
    bytes += textBytes(jsonText(item)) + 1;
    return bytes > MAX_BODY_BYTES && index > 0;
  });
  return count < 0 ? items : items.slice(0, count);
}

const textBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));
