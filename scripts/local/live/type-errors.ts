/** The compiler's errors in some files, by the linter that type-checks the project. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { signalGroup } from "../../shared/processes";
import { lastLines } from "../../shared/run-command";
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

/** @throws Error when the linter ends without a report, also because the signal was aborted */
export async function typeErrorsIn(files: readonly string[], signal: AbortSignal): Promise<readonly TypeError[]> {
  const isWindows = process.platform === "win32";
  const linter = spawn(
    join("node_modules", ".bin", "oxlint"),
    ["--format", "json", ...files.map((file) => resolve(file))],
    // A process group of its own: the linter leaves the type checker running when it is ended alone.
    { detached: !isWindows, shell: isWindows, stdio: ["ignore", "pipe", "pipe"] },
  );
  const stop = () => {
    if (linter.pid !== undefined) signalGroup(linter.pid, "SIGKILL");
  };
  signal.addEventListener("abort", stop);
  try {
    runBehindOthers(linter.pid);
    const [report, faults] = await Promise.all([text(linter.stdout), text(linter.stderr), once(linter, "close")]);
    // Exit code 1: there are errors, and a report of them.
    if (!report.startsWith("{")) throw new Error(lastLines(faults.trim(), 5) || "The linter has written no report.");
    return errorsOf(report);
  } finally {
    signal.removeEventListener("abort", stop);
  }
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
