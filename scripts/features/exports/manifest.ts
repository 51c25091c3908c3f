/** Reads a manifest that is named by its address. No I/O. */
import { manifestSchema, type Manifest } from "../../../functions/exports/contract";
import { errorMessage } from "../../../functions/shared/errors";
import { JsonSyntaxError, parseInput, parseJson } from "../../../functions/shared/input";

/** The export cannot be restored. The message says why. */
export class RestoreError extends Error {
  override readonly name = "RestoreError";
}

/**
 * @param uri where the text is
 * @throws {@link RestoreError}
 */
export function parseManifest(uri: string, text: string): Manifest {
  try {
    return parseInput(manifestSchema, parseJson(text));
  } catch (cause) {
    const fault = `${cause instanceof JsonSyntaxError ? "it " : ""}${errorMessage(cause)}`;
    throw new RestoreError(`${uri} is not a manifest: ${fault}. Name the _manifest.json of a run.`, { cause });
  }
}
