/**
 * Scans the stacks of real accounts with checkov, their policies with parliament, their state machines with cfn-lint, and the workflows with
 * zizmor, in private virtual environments.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { pythonEnvironment } from "../../emulator/python";
import { installedPython, installPython } from "../../emulator/virtual-environment";
import { parseJson } from "../../shared/fields";
import { CommandFailedError, runCommand } from "../../shared/run-command";
import { synthesizeStacks } from "../../terraform/synthesize";
import { evaluate, type Finding, type Verdict } from "./evaluate";
import { lintStacks } from "./lint";
import { writeForScan } from "./stacks";
import { WAIVERS } from "./waivers";

const ENVIRONMENTS = ["staging", "production"];
const WORKFLOWS = ".github/workflows";

const CHECKOV = {
  requirements: join(__dirname, "requirements.txt"),
  folder: ".almanac/scan/venv",
  installing: "Installing checkov, once for each release: 300 MB, about a minute",
};
const LINT = {
  requirements: join(__dirname, "lint.txt"),
  folder: ".almanac/scan/lint",
  installing: "Installing parliament and cfn-lint, once for each release: 260 MB, about a minute",
};
const ZIZMOR = {
  requirements: join(__dirname, "zizmor.txt"),
  folder: ".almanac/scan/zizmor",
  installing: "Installing zizmor, once for each release: 10 MB",
};

const resultSchema = z.object({
  results: z.object({
    failed_checks: z.array(
      z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() }),
    ),
  }),
  summary: z.object({ passed: z.number(), parsing_errors: z.number() }),
});

export interface Scan extends Verdict {
  /** The number of passed checks, judged policies and state machines. */
  readonly passed: number;
}

/** @throws PythonMissingError, CommandFailedError (output of pip or a scanner) */
export async function scan(onLine: (line: string) => void): Promise<Scan> {
  const [checkov, lint] = [await pythonWith(CHECKOV, onLine), await pythonWith(LINT, onLine)];
  const folder = await mkdtemp(join(tmpdir(), "almanac-scan-"));
  try {
    const { folder: stacks } = await synthesizeStacks({ outputDirectory: join(folder, "cdktf.out") });
    const scanned = join(folder, "scanned");
    for (const environment of ENVIRONMENTS) await writeForScan(join(stacks, environment), environment, scanned);
    const { findings, passed } = await runCheckov(checkov, scanned);
    const folders = new Map(ENVIRONMENTS.map((environment) => [environment, join(stacks, environment)]));
    const linted = await lintStacks(lint, folders, join(folder, "lint"));
    return { passed: passed + linted.judged, ...evaluate([...findings, ...linted.findings], WAIVERS) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const zizmorSchema = z.array(
  z.object({
    ident: z.string(),
    desc: z.string(),
    locations: z.array(
      z.object({
        // The path's name differs between releases.
        symbolic: z.object({ key: z.object({ Local: z.record(z.string(), z.string()) }) }),
        concrete: z.object({ location: z.object({ start_point: z.object({ row: z.number() }) }) }),
      }),
    ),
  }),
);

/** What zizmor finds in the workflows: without the network, and without waivers. @throws PythonMissingError, CommandFailedError */
export async function scanWorkflows(onLine: (line: string) => void, folder = WORKFLOWS): Promise<readonly Finding[]> {
  const python = await pythonWith(ZIZMOR, onLine);
  const args = ["--offline", "--no-progress", "--no-exit-codes", "--format", "json", folder];
  const result = await runCommand(join(dirname(python), "zizmor"), args, { env: pythonEnvironment() });
  const parsed = zizmorSchema.safeParse(parseJson(result.stdout));
  if (result.code !== 0 || !parsed.success) throw new CommandFailedError("zizmor", result);
  return parsed.data.map(({ ident: check, desc: name, locations: [first] }) => {
    const line = (first?.concrete.location.start_point.row ?? 0) + 1;
    return { check, name, at: `${Object.values(first?.symbolic.key.Local ?? {}).join(" ")}:${line}` };
  });
}

async function pythonWith(tool: typeof CHECKOV, onLine: (line: string) => void): Promise<string> {
  const { requirements, folder, installing } = tool;
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const environment = { digest, requirements, folder: resolve(folder) };
  const installed = await installedPython(environment);
  if (installed !== undefined) return installed;
  onLine(installing);
  return installPython(environment, { onLine });
}

async function runCheckov(
  python: string,
  folder: string,
): Promise<{ readonly passed: number; readonly findings: readonly Finding[] }> {
  const checkov = join(dirname(python), "checkov");
  // --skip-download: the rules are in the package.
  const args = ["-d", folder, "--framework", "terraform_json", "--skip-download", "--quiet", "--compact", "-o", "json"];
  const result = await runCommand(python, [checkov, ...args], { env: { ...pythonEnvironment(), LOG_LEVEL: "ERROR" } });
  const parsed = resultSchema.safeParse(parseJson(result.stdout));
  // A file with parsing errors was not checked.
  if (!parsed.success || parsed.data.summary.parsing_errors > 0) throw new CommandFailedError("checkov", result);
  const { results, summary } = parsed.data;
  const findings = results.failed_checks.map(
    ({ check_id: check, check_name: name, file_path: file, resource }): Finding => ({
      check,
      name,
      at: `${file.replace(/^\//, "").replace(/\.tf\.json$/, "")} ${resource}`,
    }),
  );
  return { passed: summary.passed, findings };
}
