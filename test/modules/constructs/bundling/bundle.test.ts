import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { unzipSync } from "fflate";
import { build } from "esbuild";
import { buildOptionsOf, bundleHandlers, cachedBundles, store } from "../../../../modules/constructs/bundling/bundle";
import { handlerEntries } from "../../../../modules/constructs/bundling/handlers";
import { BundleCache } from "../../../../modules/constructs/bundling/cache";

const CHECK = "functions/heartbeats/check.ts";
const folders: string[] = [];
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "almanac-bundle-"));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  folders.forEach((folder) => {
    rmSync(folder, { recursive: true });
  });
});

async function bundle(cacheDirectory: string) {
  const [made] = await bundleHandlers([CHECK], { cacheDirectory });
  if (!made) throw new Error("nothing was bundled");
  return made;
}

describe("a bundle", () => {
  it("has the same bytes whenever and wherever it is made", async () => {
    const zone = process.env["TZ"];
    const first = readFileSync((await bundle(emptyFolder())).zipFile);
    process.env["TZ"] = "Pacific/Kiritimati";
    try {
      expect(readFileSync((await bundle(emptyFolder())).zipFile).equals(first)).toBe(true);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  });

  it("has the same bytes whatever else is built with it: another handler changes no plan but its own", async () => {
    const alone = readFileSync((await bundle(emptyFolder())).zipFile);
    const [first] = await bundleHandlers(
      [CHECK, "functions/heartbeats/publish.ts", "functions/examples/minute-report.ts"],
      {
        cacheDirectory: emptyFolder(),
      },
    );
    expect(readFileSync(first?.zipFile ?? "").equals(alone)).toBe(true);
  });

  it("is not built again while its sources stay as they are", async () => {
    const cache = emptyFolder();
    expect((await bundle(cache)).rebuilt).toBe(true);
    expect((await bundle(cache)).rebuilt).toBe(false);
  });

  it("is stale when one of its files is saved while it is built", async () => {
    const [folder, cacheDirectory] = [emptyFolder(), emptyFolder()];
    const [first, second] = ["first.ts", "second.ts"].map((name) => join(folder, name));
    if (first === undefined || second === undefined) throw new Error("two files");
    const entry = relative(process.cwd(), join(folder, "handler.ts"));
    writeFileSync(entry, 'export { one as handler } from "./first"; export { two } from "./second";');
    writeFileSync(first, "export const one = 1;");
    writeFileSync(second, "export const two = 2;");
    await bundleHandlers([entry], { cacheDirectory });
    writeFileSync(first, "export const one = 11;");
    const cache = new BundleCache({ cacheDirectory });
    const stale = cache.staleAmong([entry]);
    const built = await build(buildOptionsOf(stale));
    writeFileSync(second, "export const two = 22;");
    store(built, stale, cache);
    expect(new BundleCache({ cacheDirectory }).staleAmong([entry])).toEqual([entry]);
  });

  it("is one file and its map, which knows our sources and no path of this machine", async () => {
    const files = unzipSync(readFileSync((await bundle(emptyFolder())).zipFile));
    expect(Object.keys(files)).toEqual(["index.js", "index.js.map"]);
    const map = JSON.parse(Buffer.from(files["index.js.map"] ?? []).toString()) as { sources: string[] };
    expect(map.sources).toContain(`../../${CHECK}`);
    expect(map.sources.join()).not.toContain("node_modules");
    for (const content of Object.values(files)) expect(Buffer.from(content).includes(process.cwd())).toBe(false);
  });

  it("shows in stack traces the lines of our sources, and of dependencies their position in the bundle", async () => {
    const folder = emptyFolder();
    const entry = relative(process.cwd(), join(folder, "handler.ts"));
    const lines = [
      `import * as z from ${JSON.stringify(join(process.cwd(), "node_modules/zod/index.js"))};`,
      'import { fail } from "./fail";',
      "const schema = z.object({ at: z.string().transform(fail) });",
      "export const handler = (input: unknown): unknown =>",
      "  schema.parse(input);",
    ];
    writeFileSync(entry, lines.join("\n"));
    writeFileSync(join(folder, "fail.ts"), "export function fail(text: string): never {\n  throw new Error(text);\n}");
    const [made] = await bundleHandlers([entry], { cacheDirectory: folder });
    for (const [name, content] of Object.entries(unzipSync(readFileSync(made?.zipFile ?? ""))))
      writeFileSync(join(folder, name), content);
    const program = `try { require(${JSON.stringify(join(folder, "index.js"))}).handler({ at: "failed" }); } catch ({ stack }) { console.log(stack); }`;
    const { stdout } = spawnSync(process.execPath, ["--enable-source-maps", "--stack-trace-limit=50", "-e", program], {
      encoding: "utf8",
    });
    const frames = stdout.split("\n").filter((line) => /^\s+at .*(handler|fail|index|zod)/.test(line));
    expect(frames[0]).toContain("fail.ts:2:9");
    const last = frames.findIndex((frame) => frame.includes("handler.ts:5:10"));
    const between = frames.slice(1, last);
    expect(between.length).toBeGreaterThan(2);
    for (const frame of between) expect(frame).toMatch(/index\.js:\d+:\d+/);
  });

  it("is found again with its entry and its files, which a name with + has as well", async () => {
    const cache = emptyFolder();
    const entry = `${relative(".", cache)}/a+b.ts`;
    writeFileSync(entry, `export { handler } from ${JSON.stringify(join(process.cwd(), CHECK))};`);
    await bundleHandlers([entry, CHECK], { cacheDirectory: cache });
    const found = cachedBundles({ cacheDirectory: cache });
    expect(found.map((each) => each.entry).sort()).toEqual([entry, CHECK].sort());
    for (const { inputs, zipFile } of found)
      expect([inputs, existsSync(zipFile)]).toEqual([expect.arrayContaining([CHECK]), true]);
    // Of another version of Almanac.
    writeFileSync(join(cache, "old.json"), "{}");
    expect(cachedBundles({ cacheDirectory: cache })).toHaveLength(2);
  });

  it("is made for every file that exports a handler", () => {
    expect(handlerEntries()).toContain(CHECK);
  });

  it.each(["", "export const handle = 1;", "export const handlerOf = 1;", 'export default "handler";'])(
    "is not made of a file that exports no handler, beside others that do: %j",
    async (source) => {
      const cacheDirectory = emptyFolder();
      const entry = relative(".", join(cacheDirectory, "renamed.ts"));
      writeFileSync(entry, source);
      await expect(bundleHandlers([entry, CHECK], { cacheDirectory })).rejects.toThrow(`${entry} exports no handler`);
      expect(cachedBundles({ cacheDirectory }).map((each) => each.entry)).toEqual([CHECK]);
    },
  );

  it.each(["", "const handler = 1; console.log(handler);", "export const other = 1;"])(
    "is not made of a handler around one that is not exported: %j",
    async (source) => {
      const cacheDirectory = emptyFolder();
      writeFileSync(join(cacheDirectory, "own.ts"), source);
      const entry = relative(".", join(cacheDirectory, "wrapped.ts"));
      writeFileSync(entry, 'import { handler as own } from "./own"; export const handler = () => own;');
      await expect(bundleHandlers([entry, CHECK], { cacheDirectory })).rejects.toThrow("handler");
      expect(cachedBundles({ cacheDirectory }).map((each) => each.entry)).not.toContain(entry);
    },
  );

  it.each(["module.exports.handler = 1;", "const own = 1; export { own as handler };", "exports.handler = 1;"])(
    "is made of a handler however it is exported: %s",
    async (source) => {
      const cacheDirectory = emptyFolder();
      const entry = relative(".", join(cacheDirectory, "own.ts"));
      writeFileSync(entry, source);
      await expect(bundleHandlers([entry], { cacheDirectory })).resolves.toHaveLength(1);
    },
  );

  it("says which handler does not build, and why", async () => {
    await expect(
      bundleHandlers(["functions/heartbeats/nowhere.ts"], { cacheDirectory: emptyFolder() }),
    ).rejects.toThrow("functions/heartbeats/nowhere.ts");
  });
});
