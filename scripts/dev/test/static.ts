/** Checks that run none of our code: compiler, linter, formatter, unused code. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { colours } from "../../shared/terminal/colours";
import { lowerPriority } from "./priority";
import { timed, type Failure, type StepResult } from "./result";

const CHECKS = [
  { name: "types and lint", tool: "oxlint", args: [] },
  { name: "format", tool: "oxfmt", args: ["--check"] },
  { name: "unused", tool: "knip", args: ["--no-progress"] },
] as const;

type Check = (typeof CHECKS)[number];

/** Runs all checks side by side. */
export function checkStatically(niceness = 0): Promise<StepResult> {
  return timed(async () => {
    const failures = (await Promise.all(CHECKS.map((check) => runCheck(check, niceness)))).flat();
    const failed = failures.length;
    return { step: "static", passed: CHECKS.length - failed, failed, failures };
  });
}

async function runCheck({ name, tool, args }: Check, niceness: number): Promise<readonly Failure[]> {
  const { code, output, seconds } = await timed(() => runTool(tool, args, niceness));
  const passed = code === 0;
  console.error(`${passed ? colours.green("PASS") : colours.red("FAIL")} static ${name} (${seconds.toFixed(1)} s)`);
  return passed ? [] : [{ what: name, details: output.trim(), rerun: ["npx", tool, ...args].join(" ") }];
}

function runTool(tool: string, args: readonly string[], niceness: number) {
  const child = spawn(join("node_modules", ".bin", tool), args, {
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  lowerPriority(child, niceness);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  return new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}
