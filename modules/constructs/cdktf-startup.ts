/**
 * Import before any other construct. Three things take half of the time of a synthesis: cdktf records a complete stack trace with each of tens
 * of thousands of tokens, shown only in errors about unresolved tokens; it loads a compressor, for assets that Almanac does not have; and tsx
 * reads each of a thousand CommonJS files a second time, to see whether it is an ES module. And a first synthesis begins to bundle the handlers
 * here.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { bundleAhead } from "./bundling/beside-synthesis";

// The modules' own objects: what `import` gives may be a copy.
const load = createRequire(__filename);

/** Files of packages that are CommonJS. Not of the packages in them. */
const COMMONJS =
  /[\\/]node_modules[\\/](?:(?:@cdktf|ajv|cdktf|constructs|jsonata|semver)[\\/](?!.*[\\/]node_modules[\\/]).*\.js|zod[\\/].*\.cjs)$/;

interface Compilable {
  readonly _compile?: (code: string, file: string) => unknown;
}
type Loaders = Partial<Record<string, (module: Compilable, file: string) => unknown>>;

// Under Jest there are none.
const loaders: unknown = Reflect.get(Object(load("node:module")) as object, "_extensions");
if (isLoaders(loaders)) readOnce(loaders);

// The command line of cdktf and Almanac's own set it, for a synthesis and for nothing else.
if (isLoaders(loaders) && process.env["CDKTF_OUTDIR"] !== undefined) bundleAhead();

function isLoaders(value: unknown): value is Loaders {
  return typeof value === "object" && value !== null && ".js" in value;
}

function readOnce(byExtension: Loaders): void {
  const byTsx = byExtension[".js"];
  byExtension[".js"] = (module, file): unknown =>
    module._compile !== undefined && COMMONJS.test(file)
      ? module._compile(withoutSourceMap(readFileSync(file, "utf8")), file)
      : byTsx?.(module, file);
}

/** Three quarters of what cdktf's packages have are their source maps, and Node.js parses each of them once tsx has switched source maps on. */
function withoutSourceMap(code: string): string {
  const at = code.lastIndexOf("\n//# sourceMappingURL=data:");
  return at === -1 ? code : code.slice(0, at + 1);
}

const stackTrace: unknown = load("cdktf/lib/tokens/private/stack-trace");
if (typeof stackTrace === "object") Object.assign(stackTrace ?? {}, { captureStackTrace: () => [] });

const ofCdktf = createRequire(load.resolve("cdktf/package.json"));
const compressor = compressorOf(ofCdktf);
const exports = (...args: readonly unknown[]): unknown => {
  if (compressor !== undefined) Reflect.deleteProperty(load.cache, compressor);
  const archiver: unknown = ofCdktf("archiver");
  return typeof archiver === "function" ? Reflect.apply(archiver, undefined, args) : undefined;
};
if (compressor !== undefined)
  Object.assign(load.cache, { [compressor]: { id: compressor, filename: compressor, loaded: true, exports } });

/** cdktf's successor, cdktn, has a lighter one. */
function compressorOf({ resolve }: NodeJS.Require): string | undefined {
  try {
    return resolve("archiver");
  } catch {
    return undefined;
  }
}
