/** Reads a response's body, decompressed and within limits. */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import zlib from "node:zlib";

import { errorCode } from "../../shared/errors";
import { BodyEncodingError, BodyTooLargeError, type HttpResponse } from "./http-types";

const gunzip = promisify(zlib.gunzip);
const inflate = promisify(zlib.inflate);
const inflateRaw = promisify(zlib.inflateRaw);
/** Node 22.15 and later. */
const zstdDecompress: unknown = Reflect.get(zlib, "zstdDecompress");
const brotliDecompress = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);

/** Servers apply one. Each of thousands could be a megabyte that decompresses to itself. */
const MAX_ENCODINGS = 5;

interface Options extends Readonly<Parameters<HttpResponse["readBody"]>[0]> {
  readonly onChunk?: () => void;
}

/** {@link HttpResponse.readBody} of a Node stream and its headers. */
export async function readBody(stream: Readable, headers: IncomingHttpHeaders, options: Options): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    options.onChunk?.();
    bytes += chunk.length;
    // Leaving the loop destroys the stream and its connection.
    if (bytes > options.maxBytes) throw new BodyTooLargeError(options.maxBytes);
    if (options.keep) chunks.push(chunk);
  }
  if (chunks.length === 0) return "";
  return decodeText(await decompress(Buffer.concat(chunks), headers["content-encoding"], options.maxBytes), headers);
}

/**
 * Some servers compress without being asked, and a target's headers may request it. The limit also applies to the
 * decompressed size, against decompression bombs.
 */
async function decompress(body: Buffer, encodings: string | undefined, maxBytes: number): Promise<Buffer> {
  const applied = (encodings ?? "").split(",").map((encoding) => encoding.trim().toLowerCase());
  if (applied.length > MAX_ENCODINGS)
    throw new BodyEncodingError(`the body has more than ${MAX_ENCODINGS} Content-Encodings`);
  let decoded = body;
  for (const encoding of applied.reverse()) decoded = await decompressOnce(decoded, encoding, maxBytes);
  return decoded;
}

async function decompressOnce(body: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const options = { maxOutputLength: maxBytes };
  try {
    switch (encoding) {
      case "":
      case "identity":
        return body;
      case "gzip":
      case "x-gzip":
        return await gunzip(body, options);
      case "deflate":
        // The standard means the zlib format, whose first byte ends in 8; some servers send raw deflate.
        return await (((body[0] ?? 0) & 0x0f) === 8 ? inflate(body, options) : inflateRaw(body, options));
      case "br":
        return await brotliDecompress(body, options);
      case "zstd":
        return await unzstd(body, options);
      case "compress":
      case "x-compress":
        throw new BodyEncodingError(`the body is in Content-Encoding "${encoding}", which is not supported`);
      default:
        // Not an encoding ("utf-8", "none", "binary"): browsers take the body as it is.
        return body;
    }
  } catch (error) {
    if (error instanceof BodyEncodingError) throw error;
    if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") throw new BodyTooLargeError(maxBytes, { cause: error });
    throw new BodyEncodingError(`the body is not ${encoding}, though its Content-Encoding says so`, { cause: error });
  }
}

function unzstd(body: Buffer, options: { readonly maxOutputLength: number }): Promise<Buffer> {
  if (typeof zstdDecompress !== "function")
    throw new BodyEncodingError('the body is in Content-Encoding "zstd", which is not supported');
  return new Promise((resolve, reject) => {
    Reflect.apply(zstdDecompress, zlib, [
      body,
      options,
      (error: Error | null, decoded: Buffer) => {
        if (error === null) resolve(decoded);
        else reject(error);
      },
    ]);
  });
}

function decodeText(body: Buffer, headers: IncomingHttpHeaders): string {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(headers["content-type"] ?? "")?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    // Unknown charset: UTF-8 decodes at least the ASCII part.
    return new TextDecoder("utf-8").decode(body);
  }
}
