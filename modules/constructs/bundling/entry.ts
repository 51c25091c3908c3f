/** Checks the files that a configuration names as handlers, before they are bundled. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildSync, version as esbuildVersion } from "esbuild";
import * as z from "zod";
import { writeAtomically } from "./write-atomically";

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

const compiledSchema = z.object({
  /** Undefined: it does not compile, and `code` says why. */
  exported: z.array(z.string()).optional(),
  /** Without comments and types. */
  code: z.string(),
});
type Compiled = z.output<typeof compiledSchema>;

/** Beside the bundles. */
const KEPT = ".almanac/bundles/compiled";

/** By source, in this process and on disk: esbuild is a process each time, which takes a seventh of a synthesis. */
const known = new Map<string, Compiled>();

function compiled(entry: string): Compiled {
  const contents = readFileSync(entry, "utf8");
  const key = createHash("sha256").update(esbuildVersion).update(contents).digest("hex");
  const found = known.get(key) ?? kept(key) ?? compile(contents, entry);
  known.set(key, found);
  // A message has the name of the file, which is not in the key.
  if (found.exported !== undefined) keep(key, found);
  return found;
}

function kept(key: string): Compiled | undefined {
  const file = join(KEPT, `${key}.json`);
  return existsSync(file) ? compiledSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data : undefined;
}

function keep(key: string, found: Compiled): void {
  const file = join(KEPT, `${key}.json`);
  if (!existsSync(file)) writeAtomically(file, JSON.stringify(found));
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
