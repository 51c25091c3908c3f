/** The compiler's errors in some files, by the linter that type-checks the project. */
import { execFile } from "node:child_process";
import { constants, setPriority } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import type { TypeError } from "./live-code";

const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      message: z.string(),
      code: z.string().default(""),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.int(), column: z.int() }) })).default([]),
    }),
  ),
});

const run = promisify(execFile);

export async function typeErrorsIn(files: readonly string[], signal: AbortSignal): Promise<readonly TypeError[]> {
  const tool = join("node_modules", ".bin", "oxlint");
  const options = { signal, shell: process.platform === "win32", maxBuffer: 16 * 1024 * 1024 };
  const checking = run(tool, ["--format", "json", ...files.map((file) => resolve(file))], options);
  runBehindOthers(checking.child.pid);
  const { stdout } = await checking.catch((error: unknown) => {
    // Exit code 1: there are errors, and a report of them.
    const failed = z.object({ stdout: z.string().startsWith("{") }).safeParse(error);
    if (failed.success) return failed.data;
    throw error;
  });
  return errorsOf(stdout);
}

/** The functions that have just got new code go first. */
function runBehindOthers(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already.
  }
}

export function errorsOf(report: string): readonly TypeError[] {
  return reportSchema
    .parse(JSON.parse(report))
    .diagnostics.filter(({ code }) => /TS\d+/.test(code))
    .map(({ message, filename, labels: [label] }) => {
      const at = label === undefined ? "" : `:${label.span.line}:${label.span.column}`;
      return { file: filename, text: `${filename}${at} ${message}` };
    });
}
