import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { bundleHandlers, cachedBundles } from "../../../../modules/constructs/bundling/bundle";
import { IncrementalBundler } from "../../../../modules/constructs/bundling/incremental";

const folder = mkdtempSync(join(tmpdir(), "almanac-incremental-"));
const [shared, one, other] = ["shared.ts", "one.ts", "other.ts"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const entries = [one, other].map((file) => relative(".", file));
const options = { cacheDirectory: join(folder, "incremental") };
const bundler = new IncrementalBundler(options);
afterAll(async () => {
  await bundler.close();
  rmSync(folder, { recursive: true });
});

const zips = (): readonly string[] =>
  cachedBundles(options)
    .filter(({ entry }) => entries.includes(entry))
    .map(({ entry, zipFile }) => `${entry} ${readFileSync(zipFile).toString("base64")}`)
    .sort();

/** As one build of all, from nothing, makes them. */
async function expected(name: string): Promise<readonly string[]> {
  const bundles = await bundleHandlers(entries, { cacheDirectory: join(folder, name) });
  return bundles.map(({ entry, zipFile }) => `${entry} ${readFileSync(zipFile).toString("base64")}`).sort();
}

it("makes what a build from nothing makes, after each change, and after one that did not build", async () => {
  writeFileSync(shared, 'export const text = "first";');
  for (const file of [one, other])
    writeFileSync(file, `import { text } from "./shared"; export const handler = () => text + "${file}";`);
  await bundler.bundle(entries);
  expect(zips()).toEqual(await expected("first"));

  writeFileSync(shared, 'export const text = "second";');
  await bundler.bundle(entries);
  expect(zips()).toEqual(await expected("second"));

  writeFileSync(one, "export const handler = () => {");
  const before = zips();
  await expect(bundler.bundle(entries)).rejects.toThrow("one.ts:1:30");
  expect(zips()).toEqual(before);

  writeFileSync(one, "export const handler = () => 1;");
  await bundler.bundle(entries);
  expect(zips()).toEqual(await expected("mended"));

  // Only one of them: as other handlers that were built before.
  writeFileSync(shared, 'export const text = "third";');
  await bundler.bundle(entries);
  expect(zips()).toEqual(await expected("third"));
});
