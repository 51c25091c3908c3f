/**
 * Import before any other construct. Two things of cdktf take two fifths of the time of a synthesis: it records a complete stack trace with
 * each of tens of thousands of tokens, shown only in errors about unresolved tokens; and it loads a compressor, for assets that Almanac does
 * not have.
 */
import { createRequire } from "node:module";

// The modules' own objects: what `import` gives may be a copy.
const load = createRequire(__filename);
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
