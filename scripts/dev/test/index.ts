/** `npm test`: everything. Its last line is `N passed, N failed`; the exit code is 1 when anything failed. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { colours } from "../../shared/colours";
import { z } from "zod";
import { EXIT, npmCommand } from "../../shared/command-line";
import { scan } from "../scan/scan";
import { runCommand } from "../../shared/run-command";

const STEPS = ["static", "unit", "module", "browser", "e2e"] as const;
/** By itself only, for it installs 300 MB: continuous integration runs it. */
const SCAN = "scan";
type Step = (typeof STEPS)[number] | typeof SCAN;

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const command = npmCommand(
  "npm test --",
  "Types, lint and format (static), unit, module and browser tests, and end-to-end tests on an emulator of their own. With --only scan: checkov's policy scan of the stacks.",
)
  .addOption(new Option("--only <step>", "one of them").choices([...STEPS, SCAN]))
  .argument("[jest-arguments...]", "handed on to jest: npm test -- --only unit -- --testPathPatterns checker")
  .allowExcessArguments(true)
  .parse();

/** Compiler, linter and formatter side by side. */
async function checkStatically(): Promise<Count> {
  const checks = [
    ["types", "tsc", ["-p", "."]],
    ["lint", "eslint", ["--cache", "--cache-location", "node_modules/.cache/eslint/", "."]],
    ["format", "prettier", ["--check", "--log-level", "warn", "."]],
  ] as const;
  const counts = await Promise.all(
    checks.map(async ([name, tool, args]): Promise<Count> => {
      const started = performance.now();
      const { code, stdout, stderr } = await runCommand(join("node_modules", ".bin", tool), args);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.error(`${code === 0 ? colours.green("PASS") : colours.red("FAIL")} ${name} (${seconds} s)`);
      if (code !== 0) console.error([stdout, stderr].join("\n").trim());
      return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
    }),
  );
  return sum(counts);
}

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
});

/** People read jest's own output; its report is what is counted. */
async function runJest(project: Exclude<Step, "static" | typeof SCAN>, args: readonly string[]): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), "almanac-test-"));
  const outputFile = join(folder, "report.json");
  try {
    const jest = ["node_modules/jest/bin/jest.js", "--selectProjects", project, "--json", "--outputFile", outputFile];
    // One deployed system: its tests come one after the other, the one that destroys it last.
    const inOrder = project === "e2e" ? ["--runInBand", "--testSequencer", "./test/e2e/support/sequencer.cjs"] : [];
    const child = spawn(process.execPath, [...jest, ...inOrder, ...args], { stdio: ["ignore", "ignore", "inherit"] });
    const code = await new Promise<number>((resolve) => {
      child.on("close", (exit) => {
        resolve(exit ?? EXIT.failure);
      });
    });
    const text = await readFile(outputFile, "utf8").catch(() => undefined);
    if (text === undefined) return { passed: 0, failed: 1 };
    const report = reportSchema.parse(JSON.parse(text));
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    // A run can fail without a failed test: an obsolete snapshot in CI, a setup that threw.
    return { passed: report.numPassedTests, failed: code === 0 ? failed : Math.max(failed, 1) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What checkov says of the stacks, but for what scripts/dev/scan/waivers.ts has a reason for. */
async function scanPolicies(): Promise<Count> {
  const { passed, open, stale } = await scan(console.error);
  for (const { check, name, at } of open) console.error(`${colours.red("FAIL")} ${check} ${at}: ${name}`);
  for (const { check } of stale)
    console.error(`${colours.red("FAIL")} ${check} is waived, but nothing fails it any more`);
  return { passed, failed: open.length + stale.length };
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
}

async function main(): Promise<void> {
  const { only } = command.opts<{ only?: Step }>();
  const counts: Count[] = [];
  if (only === SCAN) counts.push(await scanPolicies());
  for (const step of STEPS.filter((each) => only === undefined || each === only)) {
    counts.push(step === "static" ? await checkStatically() : await runJest(step, command.args));
  }
  const { passed, failed } = sum(counts);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? EXIT.ok : EXIT.failure;
}

void main();
