import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { continuationOf, readAbout } from "../../../scripts/emulator/kept-state";

const release = { version: "1.5.33", digest: "d1" };
const about = { port: 4570, ...release };
const free = () => Promise.resolve(true);

it("is continued on its port", async () => {
  await expect(continuationOf(about, release, undefined, free)).resolves.toEqual({ port: 4570 });
  await expect(continuationOf(about, release, 4570, free)).resolves.toEqual({ port: 4570 });
});

it.each([
  ["another release", { ...release, version: "1.6.0" }, undefined, true, "MiniStack 1.5.33"],
  ["other packages", { ...release, digest: "d2" }, undefined, true, "other packages"],
  ["another port is asked for", release, 4571, true, "port 4570"],
  ["its port is in use", release, undefined, false, "port 4570 of the kept state is in use"],
])("is not continued when %s, and says so", async (_, installed, requested, isFree, reason) => {
  const continuation = await continuationOf(about, installed, requested, () => Promise.resolve(isFree));
  expect(continuation).toEqual({ reason: expect.stringContaining(reason) as string });
});

it("that is missing is no reason to say anything", async () => {
  await expect(continuationOf(undefined, release, 4566, free)).resolves.toEqual({});
});

describe("the first line of the file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kept-state-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read whatever follows", async () => {
    const file = join(folder, "state");
    await writeFile(file, Buffer.concat([Buffer.from(`${JSON.stringify(about)}\n`), Buffer.alloc(10_000, 255)]));
    await expect(readAbout(file)).resolves.toEqual(about);
  });

  it.each(["", "\n", "{}", '{"port":0,"version":"1","digest":"d"}\n', "\u0080\u0005"])(
    "is nothing when it is %j",
    async (text) => {
      const file = join(folder, "state");
      await writeFile(file, text);
      await expect(readAbout(file)).resolves.toBeUndefined();
    },
  );

  it("is nothing without a file", async () => {
    await expect(readAbout(join(folder, "none"))).resolves.toBeUndefined();
  });
});
