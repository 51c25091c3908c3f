import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { UsageError } from "../../../../scripts/shared/terminal/command-line";
import { readJsonArgument } from "../../../../scripts/shared/terminal/json-argument";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "json-argument-"));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (name: string, content: string | Uint8Array) => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};

describe("JSON that a command takes", () => {
  it.each(['{"a": 1}', " [1]\n", '"text"', "17", "null", "true", '{"a": hunter2', '["'])(
    "is read as it is written, for the command to parse: %s",
    async (written) => {
      await expect(readJsonArgument(written)).resolves.toBe(written);
    },
  );

  it("is read from a file, and from standard input", async () => {
    await expect(readJsonArgument(await file("order.json", '{"a": "ü"}'))).resolves.toBe('{"a": "ü"}');
    await expect(readJsonArgument("-", Readable.from([Buffer.from('{"a": '), Buffer.from("1}")]))).resolves.toBe(
      '{"a": 1}',
    );
  });

  it("is read from a file that begins with a byte-order mark", async () => {
    await expect(readJsonArgument(await file("marked.json", "\uFEFF{}"))).resolves.toBe("{}");
  });

  it("is refused in another encoding, which would change its letters", async () => {
    const latin = Buffer.from('{"a": "Müller"}', "latin1");
    await expect(readJsonArgument(await file("latin.json", latin))).rejects.toThrow("latin.json is not UTF-8.");
    await expect(readJsonArgument("-", Readable.from([latin]))).rejects.toThrow("Standard input is not UTF-8.");
  });

  it.each(["hello", "missing.json", "a".repeat(300)])("is neither of them: %s", async (argument) => {
    await expect(readJsonArgument(argument)).rejects.toThrow(UsageError);
    await expect(readJsonArgument(argument)).rejects.toThrow(`${argument} is neither JSON nor a file`);
  });
});
