/** `npm test`: the tests of ten minutes, or all. The last line is `N passed, N failed`; the exit code is 1 when anything failed. */
import { availableParallelism } from "node:os";
import { Option } from "commander";
import { checkStatically } from "./static";
import { runJest } from "./jest";
import { writeLastRun } from "./last-run";
import { timed, type StepResult } from "./result";
import { ONLY_IN_ALL, shortPatternOf } from "./ten-minutes";
import { findLambdaNode } from "../../emulator/lambda-node";
import { scan, scanWorkflows } from "../scan/scan";
import { colours } from "../../shared/terminal/colours";
import { EXIT, npmCommand } from "../../shared/terminal/command-line";

const STEPS = ["static", "unit", "simulation", "module", "browser", "e2e"] as const;
/** Only by name, because it installs 300 MB. Continuous integration runs it. */
const SCAN = "scan";
type Step = (typeof STEPS)[number] | typeof SCAN;

/** The unit tests run alone, and some wait for a process or a timeout: as many workers as processors leave a sixth of them idle. */
const UNIT_WORKERS = ["--maxWorkers", String(Math.ceil(availableParallelism() * 1.5))];

/** Of steps that run beside the end-to-end tests, whose timeouts are tighter. */
const BACKGROUND = 8;

const command = npmCommand(
  "npm test --",
  "Types, lint, format (static), unit tests, simulations, module tests, and each feature end to end on an emulator of its own: ten minutes at most. With --all: browser tests, and all other end-to-end tests, such as the documents' commands, the console, kept state and least privilege. With --only scan: the stacks by checkov, parliament and cfn-lint, the workflows by zizmor.",
)
  .addOption(new Option("--all", "every test, as continuous integration runs them").conflicts("only"))
  .addOption(new Option("--only <step>", "one step, with all of its tests").choices([...STEPS, SCAN]))
  .argument("[jest-arguments...]", "passed on to jest: npm test -- --only unit -- --testPathPatterns checker")
  .allowExcessArguments(true)
  .parse();

async function runStep(step: Step, { niceness = 0, all = true } = {}): Promise<StepResult> {
  if (step === "static") return checkStatically(niceness);
  if (step === SCAN) return runScanners();
  const pattern = all ? undefined : shortPatternOf(step);
  // Jest would run what either of two patterns matches.
  const own = pattern === undefined ? [] : ["--testPathPatterns", pattern];
  const args = command.args.length > 0 ? command.args : [...own, ...(step === "unit" ? UNIT_WORKERS : [])];
  // The commands run on this Node, as people run them, in the end-to-end tests; functions on Lambda's everywhere.
  if (step === "e2e") return runJest(step, { args, niceness });
  const { program } = await findLambdaNode({ onLine: console.error });
  return runJest(step, { args, node: program, niceness });
}

/** The unit tests have all processors. The other steps use what the end-to-end tests, which mostly wait, leave free. */
async function runSteps(all: boolean): Promise<readonly StepResult[]> {
  const unit = await runStep("unit", { all });
  const inBackground = async (): Promise<readonly StepResult[]> => {
    const results: StepResult[] = [];
    for (const step of ["static", "simulation", "module", "browser"] as const)
      if (all || !ONLY_IN_ALL.includes(step)) results.push(await runStep(step, { niceness: BACKGROUND, all }));
    return results;
  };
  const [e2e, background] = await Promise.all([runStep("e2e", { all }), inBackground()]);
  return [unit, ...background, e2e];
}

/** What checkov, parliament and cfn-lint report for the stacks, except what scripts/dev/scan/waivers.ts explains, and zizmor for the workflows. */
function runScanners(): Promise<StepResult> {
  return timed(async () => {
    const inWorkflows = await scanWorkflows(console.error);
    const { passed, open, stale } = await scan(console.error);
    const rerun = "npm test -- --only scan";
    const failures = [
      ...[...inWorkflows, ...open].map(({ check, name, at }) => ({ what: `${check} ${at}`, details: name, rerun })),
      ...stale.map(({ check }) => ({ what: check, details: "is waived, but nothing fails it any more", rerun })),
    ];
    return { step: SCAN, passed, failed: failures.length, failures };
  });
}

/** What failed comes last, so that it is on the screen. */
function describe(results: readonly StepResult[]): string {
  const mark = (failed: number) => (failed === 0 ? colours.green("PASS") : colours.red("FAIL"));
  const steps = results.map(
    ({ step, passed, failed, seconds }) =>
      `${mark(failed)} ${step}: ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`,
  );
  const failures = results
    .flatMap((result) => result.failures)
    .map(({ what, details, rerun }) => `${colours.red("FAIL")} ${what}\n\n${details}\n\n  Run it alone: ${rerun}\n`);
  return ["", ...steps, ...(failures.length === 0 ? [] : ["", ...failures])].join("\n");
}

async function main(): Promise<void> {
  const { only, all = false } = command.opts<{ only?: Step; all?: boolean }>();
  const begin = performance.now();
  const results = only === undefined ? await runSteps(all) : [await runStep(only)];
  const seconds = (performance.now() - begin) / 1000;
  const total = (key: "passed" | "failed") => results.reduce((sum, result) => sum + result[key], 0);
  const [passed, failed] = [total("passed"), total("failed")];
  if (only === undefined) {
    const steps = Object.fromEntries(results.map(({ step, failures: _, ...figures }) => [step, figures]));
    await writeLastRun({ endedAt: new Date().toISOString(), all, passed, failed, seconds, steps });
  }
  console.error(describe(results));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? EXIT.ok : EXIT.failure;
}

void main();
