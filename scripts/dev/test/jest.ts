/** Runs one project of jest.config.mjs and counts what its report says. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import * as z from "zod";
import { EXIT } from "../../shared/terminal/command-line";
import { lowerPriority } from "./priority";
import { timed, type Failure, type StepResult } from "./result";

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numRuntimeErrorTestSuites: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});
type FileReport = z.output<typeof reportSchema>["testResults"][number];

export interface JestOptions {
  /** Passed on to jest. */
  readonly args: readonly string[];
  /** The Node that runs the tests. @default this process's own */
  readonly node?: string;
  /** Added to the niceness of the processes: 0 to 19. @default 0 */
  readonly niceness?: number;
}

export function runJest(project: string, options: JestOptions): Promise<StepResult> {
  return timed(async () => {
    const folder = await mkdtemp(join(tmpdir(), "almanac-test-"));
    try {
      const outputFile = join(folder, "report.json");
      const code = await jest(project, outputFile, options);
      return {
        step: project,
        ...countReport(project, code, await readFile(outputFile, "utf8").catch(() => undefined)),
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/** @returns the exit code */
async function jest(project: string, outputFile: string, { args, node, niceness = 0 }: JestOptions): Promise<number> {
  const report = ["--json", "--outputFile", outputFile];
  // Last, because the option takes all words after it.
  const reporters = ["--reporters", join(__dirname, "reporter.mjs"), "summary"];
  const child = spawn(
    node ?? process.execPath,
    ["node_modules/jest/bin/jest.js", "--selectProjects", project, ...report, ...args, ...reporters],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  lowerPriority(child, niceness);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      resolve(code ?? EXIT.failure);
    });
  });
}

/** @param text jest's report; undefined: there is none, because jest did not get so far */
export function countReport(
  project: string,
  code: number,
  text: string | undefined,
): Pick<StepResult, "passed" | "failed" | "failures"> {
  const whole = `npm test -- --only ${project}`;
  if (text === undefined) {
    return {
      passed: 0,
      failed: 1,
      failures: [{ what: project, details: `jest ended with code ${code}`, rerun: whole }],
    };
  }
  const report = reportSchema.parse(JSON.parse(text));
  const failures = report.testResults
    .filter(({ status }) => status === "failed")
    .map((file): Failure => describeFile(project, file));
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  // A run can fail without a failed test: an obsolete snapshot in CI, a global set-up that threw.
  if (code !== 0 && failed === 0) {
    failures.push({ what: project, details: `jest ended with code ${code}; its summary says why`, rerun: whole });
  }
  return { passed: report.numPassedTests, failed: code === 0 ? failed : Math.max(failed, 1), failures };
}

function describeFile(project: string, { name, message, assertionResults }: FileReport): Failure {
  const file = relative(process.cwd(), name).replaceAll("\\", "/");
  const failed = assertionResults.filter(({ status }) => status === "failed").map(({ fullName }) => fullName);
  // End-to-end tests of a file build on each other.
  const pattern = project !== "e2e" && failed.length === 1 ? ` -t ${shellQuoted(patternOf(failed[0] ?? ""))}` : "";
  // The file first: --selectProjects takes every word after it as a project.
  return { what: file, details: message, rerun: `npx jest ${file} --selectProjects ${project}${pattern}` };
}

const patternOf = (title: string): string => `^${title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
