/**
 * Bundles Lambda handlers: one minified CommonJS file and its source map in a zip, whose bytes depend on the sources and
 * package-lock.json only.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { buildSync, version as esbuildVersion, type BuildOptions } from "esbuild";
import { zipSync, type Zippable } from "fflate";
import { z } from "zod";
import { ownSourcesOnly } from "./source-map";
import { writeAtomically } from "./write-atomically";

const PROJECT = resolve(__dirname, "../../..");

/** Node.js 20 syntax, so that one bundle runs on Lambda's Node.js 22 and on a laptop's Node.js 20. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // The SDK's ES modules: CommonJS cannot be tree-shaken.
  mainFields: ["module", "main"],
  alias: { "@aws-sdk/credential-provider-node": "./functions/shared/aws/lambda-credentials.ts" },
  minify: true,
  // For stack traces. Without the sources.
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  charset: "utf8",
  logLevel: "silent",
} as const satisfies BuildOptions;

/** A bundled handler. Sizes in bytes. */
export interface Bundle {
  /** Relative to the project: `functions/heartbeats/check.ts`. */
  readonly entry: string;
  /** Absolute path. Contains `index.js` and `index.js.map`; the handler is `index.handler`. */
  readonly zipFile: string;
  /** Size of `index.js`. */
  readonly bundleBytes: number;
  readonly zipBytes: number;
  /** False when the cached zip was current. */
  readonly rebuilt: boolean;
}

/** npm's record of installed packages: hashed in place of thousands of dependency files. */
const INSTALLED = "node_modules/.package-lock.json";

/** Stored beside each zip. The zip is current while the inputs have these hashes. */
const recordSchema = z.object({
  entry: z.string(),
  key: z.string(),
  inputs: z.record(z.string(), z.string()),
  packages: z.array(z.string()),
  bundleBytes: z.number(),
  zipBytes: z.number(),
});
type BuildRecord = z.infer<typeof recordSchema>;

export interface BundlerOptions {
  /** @default .almanac/bundles */
  readonly cacheDirectory?: string;
}

/** All handlers: the files of functions/<feature>/ that export `handler`. Sorted. */
export function handlerEntries(): string[] {
  const functions = join(PROJECT, "functions");
  return readdirSync(functions, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => /^export const handler\b/m.test(readFileSync(join(functions, file), "utf8")))
    .map((file) => join("functions", file).replaceAll("\\", "/"))
    .sort();
}

/**
 * Bundles handlers, by their paths relative to the project. Skips those with unchanged inputs; builds the others in one run of
 * esbuild.
 *
 * @throws Error with esbuild's messages when a handler does not build
 */
export function bundleHandlers(entries: readonly string[], options: BundlerOptions = {}): Bundle[] {
  const cache = resolve(PROJECT, options.cacheDirectory ?? ".almanac/bundles");
  const hashes = new Map<string, string | undefined>();
  const locks = ["package-lock.json", INSTALLED].map((file) => hashOfFile(file, hashes));
  const key = sha256(JSON.stringify([esbuildVersion, BUNDLE_OPTIONS, ...locks]));

  const stale = entries.filter((entry) => !isFresh(readRecord(cache, entry), key, hashes));
  if (stale.length > 0) build(stale, cache, key, hashes);

  return entries.map((entry) => {
    const record = readRecord(cache, entry);
    if (record === undefined) throw new Error(`${entry}: no build record in ${cache}`);
    const { bundleBytes, zipBytes } = record;
    return { entry, zipFile: zipFileOf(cache, entry), bundleBytes, zipBytes, rebuilt: stale.includes(entry) };
  });
}

/** The folders of the packages in a bundle: `node_modules/zod`. Those of no bundle of ours: none. */
export function packagesIn(zipFile: string): readonly string[] {
  const file = zipFile.replace(/\.zip$/, ".json");
  return existsSync(file) ? (recordSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data?.packages ?? []) : [];
}

/** A bundle of the cache, with the files of the project in it. */
export interface CachedBundle {
  /** Relative to the project. */
  readonly entry: string;
  readonly zipFile: string;
  /** Relative to the project. */
  readonly inputs: readonly string[];
}

/** Each bundle of the cache: also those of handlers that are not deployed any more. */
export function cachedBundles(options: BundlerOptions = {}): readonly CachedBundle[] {
  const cache = resolve(PROJECT, options.cacheDirectory ?? ".almanac/bundles");
  return readdirSync(cache)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const { data } = recordSchema.safeParse(JSON.parse(readFileSync(join(cache, name), "utf8")));
      if (data === undefined || !existsSync(zipFileOf(cache, data.entry))) return [];
      return [{ entry: data.entry, zipFile: zipFileOf(cache, data.entry), inputs: Object.keys(data.inputs) }];
    });
}

let bundlesOfProcess: ReadonlyMap<string, Bundle> | undefined;

/**
 * One handler's bundle. The first call bundles all handlers, in less than half the time of single builds; later changes to the
 * sources are ignored.
 */
export function bundleOf(entry: string, wrapper?: HandlerWrapper): Bundle {
  if (wrapper !== undefined) return bundleWrapped(entry, wrapper);
  bundlesOfProcess ??= new Map(bundleHandlers(handlerEntries()).map((bundle) => [bundle.entry, bundle]));
  const bundle = bundlesOfProcess.get(entry) ?? bundleHandlers([entry])[0];
  if (bundle === undefined) throw new Error(`${entry} was not bundled`);
  return bundle;
}

/** A function of ours around a handler of the user's. */
export interface HandlerWrapper {
  /** Relative to the project. */
  readonly file: string;
  /** Its export: takes a handler and returns one. */
  readonly name: string;
}

function bundleWrapped(entry: string, { file, name }: HandlerWrapper): Bundle {
  const generated = `.almanac/bundles/wrapped/${nameOf(entry)}.ts`;
  const directory = dirname(join(PROJECT, generated));
  const importOf = (path: string) => JSON.stringify(relative(directory, join(PROJECT, path)).replaceAll("\\", "/"));
  const source = [
    `import { handler as own } from ${importOf(entry)};`,
    `import { ${name} } from ${importOf(file)};`,
    `export const handler = ${name}(own);`,
    "",
  ].join("\n");
  const path = join(PROJECT, generated);
  if (!existsSync(path) || readFileSync(path, "utf8") !== source) writeAtomically(path, source);
  const [bundle] = bundleHandlers([generated]);
  if (bundle === undefined) throw new Error(`${entry} was not bundled`);
  return { ...bundle, entry };
}

function build(entries: readonly string[], cache: string, key: string, hashes: Map<string, string | undefined>): void {
  const result = buildSync({
    ...BUNDLE_OPTIONS,
    absWorkingDir: PROJECT,
    entryPoints: entries.map((entry) => ({ in: entry, out: join(nameOf(entry), "index") })),
    outdir: "bundles", // names the outputs; nothing is written
    write: false,
    metafile: true,
  });
  const contents = new Map(result.outputFiles.map((file) => [relative(PROJECT, file.path), file.contents]));

  for (const entry of entries) {
    const output = `bundles/${nameOf(entry)}/index.js`;
    const [code, map] = [contents.get(output), contents.get(`${output}.map`)];
    const inputs = result.metafile.outputs[output]?.inputs;
    if (code === undefined || map === undefined || inputs === undefined) throw new Error(`esbuild wrote no ${output}`);

    const ownMap = Buffer.from(ownSourcesOnly(Buffer.from(map).toString()));
    const zip = deterministicZip({ "index.js": code, "index.js.map": ownMap });
    const record: BuildRecord = {
      entry,
      key,
      inputs: Object.fromEntries(
        Object.keys(inputs)
          .filter((input) => !input.includes("node_modules/"))
          .map((input) => [input, hashOfFile(input, hashes) ?? ""] as const),
      ),
      packages: [
        ...new Set(Object.keys(inputs).flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [])),
      ].sort(),
      bundleBytes: code.length,
      zipBytes: zip.length,
    };
    writeAtomically(zipFileOf(cache, entry), zip);
    writeAtomically(recordFileOf(cache, entry), JSON.stringify(record));
  }
}

/** The same bytes on every machine: sorted names, a fixed date, and a compressor in JavaScript, because zlib versions differ. */
function deterministicZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entries: Zippable = {};
  for (const name of Object.keys(files).sort()) {
    const content = files[name];
    // Zip dates are local times, so this one is the same in every time zone.
    if (content) entries[name] = [content, { level: 9, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o644 << 16 }];
  }
  return zipSync(entries);
}

function isFresh(record: BuildRecord | undefined, key: string, hashes: Map<string, string | undefined>): boolean {
  return (
    record?.key === key && Object.entries(record.inputs).every(([input, hash]) => hashOfFile(input, hashes) === hash)
  );
}

function readRecord(cache: string, entry: string): BuildRecord | undefined {
  const file = recordFileOf(cache, entry);
  if (!existsSync(file) || !existsSync(zipFileOf(cache, entry))) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  return parsed.data;
}

/** Undefined when the file does not exist. `hashes` is a cache: handlers share most of their inputs. */
function hashOfFile(file: string, hashes: Map<string, string | undefined>): string | undefined {
  if (!hashes.has(file)) {
    const absolute = join(PROJECT, file);
    hashes.set(file, existsSync(absolute) ? sha256(readFileSync(absolute)) : undefined);
  }
  return hashes.get(file);
}

/** `functions/heartbeats/check.ts` -> `functions+heartbeats+check`: two entries never share a bundle. */
function nameOf(entry: string): string {
  return join(dirname(entry), basename(entry, ".ts")).replaceAll("\\", "/").replaceAll("/", "+");
}

const zipFileOf = (cache: string, entry: string) => join(cache, `${nameOf(entry)}.zip`);
const recordFileOf = (cache: string, entry: string) => join(cache, `${nameOf(entry)}.json`);
const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
