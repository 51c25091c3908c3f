/**
 * Bundles Lambda handlers: one minified CommonJS file and its source map, in a zip whose bytes depend on nothing but the
 * sources and package-lock.json.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { buildSync, version as esbuildVersion, type BuildOptions } from "esbuild";
import { zipSync, type Zippable } from "fflate";
import { z } from "zod";
import { ownSourcesOnly } from "./source-map";

const PROJECT = resolve(__dirname, "../..");

/** What handlers are built with. Node 20 syntax, so that one bundle runs on Lambda's Node 22 and on a laptop's Node 20. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // The SDK's ES modules: its CommonJS can't be shaken.
  mainFields: ["module", "main"],
  alias: { "@aws-sdk/credential-provider-node": "./functions/shared/aws/lambda-credentials.ts" },
  minify: true,
  // Files and lines for stack traces; not the sources themselves.
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
  /** Absolute. Holds `index.js` and `index.js.map`; the handler is `index.handler`. */
  readonly zipFile: string;
  /** Of `index.js` alone. */
  readonly bundleBytes: number;
  readonly zipBytes: number;
  /** False when an earlier build was still good. */
  readonly rebuilt: boolean;
}

/** npm's record of what it has installed: stands for the thousands of files of dependencies that bundles are made of. */
const INSTALLED = "node_modules/.package-lock.json";

/** What a build leaves beside its zip: when the same inputs come again, the zip is still good. */
const recordSchema = z.object({
  key: z.string(),
  inputs: z.record(z.string(), z.string()),
  bundleBytes: z.number(),
  zipBytes: z.number(),
});
type BuildRecord = z.infer<typeof recordSchema>;

export interface BundlerOptions {
  /** Where zips and their records are kept. @default .almanac/bundles */
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
 * Bundles handlers, given relative to the project. Those whose inputs have not changed since their last build are not built
 * again; the others share one run of esbuild.
 *
 * @throws Error with esbuild's messages, when a handler does not build.
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
    if (record === undefined) throw new Error(`${entry}: the build left no record in ${cache}`);
    const { bundleBytes, zipBytes } = record;
    return { entry, zipFile: zipFileOf(cache, entry), bundleBytes, zipBytes, rebuilt: stale.includes(entry) };
  });
}

let ofThisProcess: ReadonlyMap<string, Bundle> | undefined;

/**
 * One handler's bundle. The first call bundles all handlers: together they take less than half of the time, and every stack needs most of them.
 * What changes after it, this process does not see.
 */
export function bundleOf(entry: string): Bundle {
  ofThisProcess ??= new Map(bundleHandlers(handlerEntries()).map((bundle) => [bundle.entry, bundle]));
  const bundle = ofThisProcess.get(entry) ?? bundleHandlers([entry])[0];
  if (bundle === undefined) throw new Error(`${entry} was not bundled`);
  return bundle;
}

function build(entries: readonly string[], cache: string, key: string, hashes: Map<string, string | undefined>): void {
  const result = buildSync({
    ...BUNDLE_OPTIONS,
    absWorkingDir: PROJECT,
    entryPoints: entries.map((entry) => ({ in: entry, out: join(nameOf(entry), "index") })),
    outdir: "bundles", // never written: it only names the outputs
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
      key,
      inputs: Object.fromEntries(
        Object.keys(inputs)
          .filter((input) => !input.includes("node_modules/"))
          .map((input) => [input, hashOfFile(input, hashes) ?? ""] as const),
      ),
      bundleBytes: code.length,
      zipBytes: zip.length,
    };
    writeWhole(zipFileOf(cache, entry), zip);
    writeWhole(recordFileOf(cache, entry), JSON.stringify(record));
  }
}

/** A zip of the same bytes on every machine: sorted names, one date, one compressor (in JavaScript: zlib's differ). */
function deterministicZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entries: Zippable = {};
  for (const name of Object.keys(files).sort()) {
    const content = files[name];
    // Zip dates are local times without a zone: this one is the same wherever it is made.
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

/** Undefined when the file is gone. `hashes` remembers: handlers share most of their inputs. */
function hashOfFile(file: string, hashes: Map<string, string | undefined>): string | undefined {
  if (!hashes.has(file)) {
    const absolute = join(PROJECT, file);
    hashes.set(file, existsSync(absolute) ? sha256(readFileSync(absolute)) : undefined);
  }
  return hashes.get(file);
}

/** Whole or not at all, since another build may be reading. */
function writeWhole(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, file);
}

/** `functions/heartbeats/check.ts` -> `heartbeats-check`. */
function nameOf(entry: string): string {
  return `${basename(dirname(entry))}-${basename(entry, ".ts")}`;
}

const zipFileOf = (cache: string, entry: string) => join(cache, `${nameOf(entry)}.zip`);
const recordFileOf = (cache: string, entry: string) => join(cache, `${nameOf(entry)}.json`);
const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
