import { Readable } from "node:stream";
import zlib, { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

import { BodyEncodingError, BodyTooLargeError } from "../../../../functions/heartbeats/probe/http-types";
import { readBody } from "../../../../functions/heartbeats/probe/http-body";
import { zstdFrame } from "../../../support/zstd";
import { anyCodePoint } from "../../../support/code-points";
import fc from "../../../support/fast-check";

const LIMITS = { maxBytes: 10_000, keep: true };

describe("reading a body", () => {
  const encodings = {
    "": (body: Buffer) => body,
    identity: (body: Buffer) => body,
    gzip: gzipSync,
    "x-gzip": gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    "gzip, br": (body: Buffer) => brotliCompressSync(gzipSync(body)),
  } as const satisfies Record<string, (body: Buffer) => Buffer>;

  it.each(Object.entries(encodings))('undoes "%s", in whatever pieces it comes', async (encoding, encode) => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: anyCodePoint, maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        async (text, size) => {
          const encoded = encode(Buffer.from(text));
          const pieces = Array.from({ length: Math.ceil(encoded.length / size) }, (_, index) =>
            encoded.subarray(index * size, (index + 1) * size),
          );
          const body = await readBody(Readable.from(pieces), { "content-encoding": encoding }, LIMITS);
          expect(body).toBe(new TextDecoder().decode(Buffer.from(text)));
        },
      ),
    );
  });

  it("undoes zstd where Node can, and else says that it cannot, within the limit", async () => {
    const reading = (text: string, limits = LIMITS) =>
      readBody(Readable.from([zstdFrame(text)]), { "content-encoding": "zstd" }, limits).catch(
        (error: unknown) => error,
      );
    const canDecode = "zstdDecompress" in zlib;
    expect(await reading("all is well")).toEqual(canDecode ? "all is well" : expect.any(BodyEncodingError));
    const limited = await reading("all is well", { ...LIMITS, maxBytes: 20 });
    expect(limited).toEqual(canDecode ? "all is well" : expect.any(BodyEncodingError));
    expect(await reading("x".repeat(30), { ...LIMITS, maxBytes: 20 })).toBeInstanceOf(BodyTooLargeError);
  });

  it("undoes deflate as some servers wrongly send it", async () => {
    const stream = Readable.from([deflateRawSync("all is well")]);
    expect(await readBody(stream, { "content-encoding": "deflate" }, LIMITS)).toBe("all is well");
  });

  it.each(["utf-8", "none", "binary"])('takes the body as it is where "%s" is no encoding', async (encoding) => {
    const stream = Readable.from([Buffer.from("all is well")]);
    expect(await readBody(stream, { "content-encoding": encoding }, LIMITS)).toBe("all is well");
  });

  it.each<[string, Buffer | string, string]>([
    ["an unsupported encoding", "x", "compress"],
    ["a body that is not in its encoding", "x", "br"],
    ["a truncated body", gzipSync("all is well").subarray(0, 20), "gzip"],
  ])("refuses %s, when it is to be searched", async (_name, body, encoding) => {
    const headers = { "content-encoding": encoding };
    await expect(readBody(Readable.from([Buffer.from(body)]), headers, LIMITS)).rejects.toThrow(BodyEncodingError);
    expect(await readBody(Readable.from([Buffer.from(body)]), headers, { ...LIMITS, keep: false })).toBe("");
  });

  it("takes a body of exactly the limit, and no longer one", async () => {
    const of = (bytes: number) => Readable.from([Buffer.alloc(bytes, "x")]);
    for (const keep of [true, false]) {
      const limits = { maxBytes: 5, keep };
      expect(await readBody(of(5), {}, limits)).toBe(keep ? "xxxxx" : "");
      await expect(readBody(of(6), {}, limits)).rejects.toThrow(BodyTooLargeError);
    }
    const bomb = Readable.from([gzipSync(Buffer.alloc(10_001))]);
    await expect(readBody(bomb, { "content-encoding": "gzip" }, LIMITS)).rejects.toThrow(BodyTooLargeError);
  });

  it.each([
    ["text/html; charset=ISO-8859-1", "latin1"],
    ['text/html;charset="utf-16le"', "utf16le"],
    ["text/html", "utf8"],
    ["text/html; charset=klingon", "utf8"],
  ] as const)("reads %s", async (type, encoding) => {
    const stream = Readable.from([Buffer.from("Grüße", encoding)]);
    expect(await readBody(stream, { "content-type": type }, LIMITS)).toBe("Grüße");
  });
});
