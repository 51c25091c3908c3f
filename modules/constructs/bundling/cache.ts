/** The cache of bundles: a zip for each handler, and beside it a record of what it was built from. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import * as z from "zod";
import { BUNDLE_OPTIONS, COMPRESSION_LEVEL, MAPS } from "./options";

export const PROJECT = resolve(__dirname, "../../..");

/** npm's record of installed packages, esbuild among them: hashed in place of thousands of dependency files. */
const INSTALLED = "node_modules/.package-lock.json";

/** Stored beside each zip. The zip is current while the inputs have these hashes. */
export const recordSchema = z.object({
  entry: z.string(),
  key: z.string(),
  inputs: z.record(z.string(), z.string()),
  packages: z.array(z.string()),
  bundleBytes: z.number(),
  zipBytes: z.number(),
});
export type BuildRecord = z.infer<typeof recordSchema>;

export interface BundlerOptions {
  /** @default .almanac/bundles */
  readonly cacheDirectory?: string;
}

/** The sources and packages at one moment: handlers share most of their inputs, and each file is hashed once. */
export class BundleCache {
  private readonly hashes = new Map<string, string | undefined>();
  readonly directory: string;

  constructor({ cacheDirectory = ".almanac/bundles" }: BundlerOptions = {}) {
    this.directory = resolve(PROJECT, cacheDirectory);
  }

  /** Of all that handlers have in common. */
  get key(): string {
    const locks = ["package-lock.json", INSTALLED].map((file) => this.hashOf(file));
    return sha256(JSON.stringify([BUNDLE_OPTIONS, COMPRESSION_LEVEL, MAPS, ...locks]));
  }

  /** Those whose sources or packages have changed since they were bundled. */
  staleAmong(entries: readonly string[]): readonly string[] {
    const { key } = this;
    return entries.filter((entry) => {
      const record = this.recordOf(entry);
      if (record?.key !== key) return true;
      // All are hashed: one that is saved while esbuild reads them is not taken for what was built.
      return Object.entries(record.inputs).filter(([input, hash]) => this.hashOf(input) !== hash).length > 0;
    });
  }

  /** Whether nothing has ever been bundled. */
  get isEmpty(): boolean {
    return !existsSync(this.directory) || readdirSync(this.directory).every((name) => !name.endsWith(".zip"));
  }

  /** Undefined when there is no bundle. */
  recordOf(entry: string): BuildRecord | undefined {
    const file = this.recordFileOf(entry);
    if (!existsSync(file) || !existsSync(this.zipFileOf(entry))) return undefined;
    return recordSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  }

  zipFileOf(entry: string): string {
    return join(this.directory, `${nameOf(entry)}.zip`);
  }

  recordFileOf(entry: string): string {
    return join(this.directory, `${nameOf(entry)}.json`);
  }

  /** Undefined when the file does not exist. */
  hashOf(file: string): string | undefined {
    if (!this.hashes.has(file)) {
      const absolute = join(PROJECT, file);
      this.hashes.set(file, existsSync(absolute) ? sha256(readFileSync(absolute)) : undefined);
    }
    return this.hashes.get(file);
  }
}

/** The folders of the packages in a bundle: `node_modules/zod`. Those of no bundle of ours: none. */
export function packagesIn(zipFile: string): readonly string[] {
  const file = zipFile.replace(/\.zip$/, ".json");
  return existsSync(file) ? (recordSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data?.packages ?? []) : [];
}

/** `functions/heartbeats/check.ts` -> `functions+heartbeats+check`: two entries never share a bundle. */
export function nameOf(entry: string): string {
  return join(dirname(entry), basename(entry, ".ts")).replaceAll("\\", "/").replaceAll("/", "+");
}

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
