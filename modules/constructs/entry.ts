/** Checks the files that a configuration names as handlers, before they are bundled. */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { buildSync } from "esbuild";
import type { z } from "zod";

/**
 * For the schema of a file that exports `handler`.
 *
 * @param maker what the handler has to be made with: `onSchedule`
 */
export function exportsHandler(maker?: string): (entry: string, context: z.RefinementCtx) => void {
  return (entry, context) => {
    const message = entryFault(entry, maker);
    if (message !== undefined) context.addIssue({ code: "custom", message, input: entry });
  };
}

function entryFault(entry: string, maker: string | undefined): string | undefined {
  if (statSync(entry, { throwIfNoEntry: false })?.isFile() !== true) return "is not a file";
  const { exported, code } = compiled(entry);
  if (exported === undefined) return `does not compile: ${code}`;
  const made = maker === undefined ? "..." : `${maker}(...)`;
  if (!exported.includes("handler")) return `does not export a handler: export const handler = ${made}`;
  if (maker === undefined || new RegExp(`\\b${maker}\\b`).test(code)) return undefined;
  return `has a handler that is not made with ${made}`;
}

interface Compiled {
  /** Undefined: it does not compile, and `code` says why. */
  readonly exported: readonly string[] | undefined;
  /** Without comments and types. */
  readonly code: string;
}

/** By source: esbuild is a process each time. */
const known = new Map<string, Compiled>();

function compiled(entry: string): Compiled {
  const contents = readFileSync(entry, "utf8");
  const found = known.get(contents) ?? compile(contents, entry);
  known.set(contents, found);
  return found;
}

function compile(contents: string, entry: string): Compiled {
  const stdin = { contents, loader: "ts", resolveDir: dirname(entry), sourcefile: entry } as const;
  try {
    const options = { bundle: false, write: false, metafile: true, format: "esm", logLevel: "silent" } as const;
    const { metafile, outputFiles } = buildSync({ ...options, stdin });
    return {
      exported: Object.values(metafile.outputs).flatMap((output) => output.exports),
      code: outputFiles.map(({ text }) => text).join("\n"),
    };
  } catch (error) {
    const [, line, reason] = /:(\d+):\d+: ERROR: (.*)/.exec(String(error)) ?? [];
    return { exported: undefined, code: line === undefined ? String(error) : `${reason ?? ""} (line ${line})` };
  }
}
