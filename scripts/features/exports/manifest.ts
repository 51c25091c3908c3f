/** Reads a manifest that is named by its address. No I/O. */
import { manifestSchema, type Manifest } from "../../../functions/exports/contract";
import { totalsOf } from "../../../functions/exports/run/manifest";
import { errorMessage } from "../../../functions/shared/errors";
import { JsonSyntaxError, parseInput, parseJson } from "../../../functions/shared/input";

/** The export cannot be restored. The message says why. */
export class RestoreError extends Error {
  override readonly name = "RestoreError";
}

/** One that was changed since may lack a file, or the checksum of one: what is verified would be less than what was exported. */
const wholeManifestSchema = manifestSchema
  .refine(({ items, files }) => items === totalsOf(files).items, {
    path: ["items"],
    error: "is not the sum of its files' items",
  })
  .refine(({ files }) => new Set(files.map(({ key }) => key)).size === files.length, {
    path: ["files"],
    error: "has a file twice",
  })
  .refine(({ files }) => files.every(({ sha256, md5 }) => sha256 !== undefined || md5 !== undefined), {
    path: ["files"],
    error: "has a file without a checksum",
  });

/**
 * @param uri where the text is
 * @throws {@link RestoreError}
 */
export function parseManifest(uri: string, text: string): Manifest {
  try {
    return parseInput(wholeManifestSchema, parseJson(text));
  } catch (cause) {
    const fault = `${cause instanceof JsonSyntaxError ? "it " : ""}${errorMessage(cause)}`;
    throw new RestoreError(`${uri} is not a manifest: ${fault}. Name the _manifest.json of a run.`, { cause });
  }
}
