/**
 * Bundles Lambda handlers: one minified CommonJS file and its source map in a zip, whose bytes depend on the sources and
 * package-lock.json only.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { build, type BuildOptions, type BuildResult } from "esbuild";
import { zipSync, type Zippable } from "fflate";
import { BundleCache, PROJECT, nameOf, recordSchema, type BuildRecord, type BundlerOptions } from "./cache";
import { BUNDLE_OPTIONS, COMPRESSION_LEVEL } from "./options";
import { ownSourcesOnly, stubMaps } from "./source-map";
import { writeAtomically } from "./write-atomically";

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

/**
 * Bundles handlers, by their paths relative to the project. Skips those with unchanged inputs; builds the others in one run of
 * esbuild.
 *
 * @throws Error with esbuild's messages when a handler does not build
 */
export async function bundleHandlers(
  entries: readonly string[],
  options: BundlerOptions = {},
): Promise<readonly Bundle[]> {
  const cache = new BundleCache(options);
  const stale = cache.staleAmong(entries);
  if (stale.length > 0) store(await build(buildOptionsOf(stale)), stale, cache);

  return entries.map((entry) => {
    const record = cache.recordOf(entry);
    if (record === undefined) throw new Error(`${entry}: no build record in ${cache.directory}`);
    const { bundleBytes, zipBytes } = record;
    return { entry, zipFile: cache.zipFileOf(entry), bundleBytes, zipBytes, rebuilt: stale.includes(entry) };
  });
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
  const cache = new BundleCache(options);
  return readdirSync(cache.directory)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const { data } = recordSchema.safeParse(JSON.parse(readFileSync(join(cache.directory, name), "utf8")));
      if (data === undefined || !existsSync(cache.zipFileOf(data.entry))) return [];
      return [{ entry: data.entry, zipFile: cache.zipFileOf(data.entry), inputs: Object.keys(data.inputs) }];
    });
}

/** esbuild's options for some handlers. */
export function buildOptionsOf(entries: readonly string[]) {
  return {
    ...BUNDLE_OPTIONS,
    absWorkingDir: PROJECT,
    entryPoints: entries.map((entry) => ({ in: entry, out: join(nameOf(entry), "index") })),
    outdir: "bundles", // names the outputs; nothing is written
    write: false,
    metafile: true,
    plugins: [stubMaps],
  } as const satisfies BuildOptions;
}

/** Entries build and export no `handler`: Lambda would fail each invocation. In the shape of esbuild's errors. */
class NoHandlerError extends Error {
  override readonly name = "NoHandlerError";
  readonly errors: readonly { readonly text: string; readonly location: { readonly file: string } }[];

  constructor(entries: readonly string[]) {
    const errors = entries.map((file) => ({ text: `${file} exports no handler`, location: { file } }));
    super(errors.map(({ text }) => text).join("\n"));
    this.errors = errors;
  }
}

/** What esbuild writes of an ES module's exports, for Node. */
const EXPORTED = /0&&\(module\.exports=\{(.*?)\}\)/;

/** @param format the entry's: what a CommonJS module exports is not known before it runs */
function exportsHandler(code: Uint8Array, format: "cjs" | "esm" | undefined): boolean {
  const [, exported = ""] = EXPORTED.exec(Buffer.from(code).toString()) ?? [];
  return format === "cjs" || /\bhandler\b|\.\.\./.test(exported);
}

/**
 * Puts what esbuild has built into the cache.
 * @throws NoHandlerError once the others are there
 */
export function store(
  result: BuildResult<ReturnType<typeof buildOptionsOf>>,
  entries: readonly string[],
  cache: BundleCache,
): void {
  const without: string[] = [];
  const contents = new Map(result.outputFiles.map((file) => [relative(PROJECT, file.path), file.contents]));

  for (const entry of entries) {
    const output = `bundles/${nameOf(entry)}/index.js`;
    const [code, map] = [contents.get(output), contents.get(`${output}.map`)];
    const inputs = result.metafile.outputs[output]?.inputs;
    if (code === undefined || map === undefined || inputs === undefined) throw new Error(`esbuild wrote no ${output}`);
    if (!exportsHandler(code, result.metafile.inputs[entry]?.format)) {
      without.push(entry);
      continue;
    }

    const ownMap = Buffer.from(ownSourcesOnly(Buffer.from(map).toString()));
    const zip = deterministicZip({ "index.js": code, "index.js.map": ownMap });
    const record: BuildRecord = {
      entry,
      key: cache.key,
      inputs: Object.fromEntries(
        Object.keys(inputs)
          .filter((input) => !input.includes("node_modules/"))
          .map((input) => [input, cache.hashOf(input) ?? ""] as const),
      ),
      packages: [
        ...new Set(Object.keys(inputs).flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [])),
      ].sort(),
      bundleBytes: code.length,
      zipBytes: zip.length,
    };
    writeAtomically(cache.zipFileOf(entry), zip);
    writeAtomically(cache.recordFileOf(entry), JSON.stringify(record));
  }
  if (without.length > 0) throw new NoHandlerError(without);
}

/** The same bytes on every machine: sorted names, a fixed date, and a compressor in JavaScript, because zlib versions differ. */
function deterministicZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entries: Zippable = {};
  for (const name of Object.keys(files).sort()) {
    const content = files[name];
    // Zip dates are local times, so this one is the same in every time zone.
    if (content)
      entries[name] = [content, { level: COMPRESSION_LEVEL, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o644 << 16 }];
  }
  return zipSync(entries);
}
