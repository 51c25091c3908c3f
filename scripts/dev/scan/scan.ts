/** Scans the stacks that go into an account with checkov, in a private virtual environment. */
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
import { judge, type Finding, type Verdict } from "./judge";
import { writeForScan } from "./stacks";
import { WAIVERS } from "./waivers";

/** `local` is in an emulator: nothing there is for anybody to take. */
const ENVIRONMENTS = ["staging", "production"];
const REQUIREMENTS_FILE = join(__dirname, "requirements.txt");
const FOLDER = ".almanac/scan/venv";

const resultSchema = z.object({
  results: z.object({
    failed_checks: z.array(
      z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() }),
    ),
  }),
  summary: z.object({ passed: z.number(), parsing_errors: z.number() }),
});

export interface Scan extends Verdict {
  /** How many checks of how many resources passed. */
  readonly passed: number;
}

/** @throws PythonMissingError, CommandFailedError (pip's or checkov's own words) */
export async function scan(onLine: (line: string) => void): Promise<Scan> {
  const python = await checkovPython(onLine);
  const folder = await mkdtemp(join(tmpdir(), "almanac-scan-"));
  try {
    const stacks = await synthesizeStacks({ outputDirectory: join(folder, "cdktf.out") });
    const scanned = join(folder, "scanned");
    for (const environment of ENVIRONMENTS) await writeForScan(join(stacks, environment), environment, scanned);
    return await runCheckov(python, scanned);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkovPython(onLine: (line: string) => void): Promise<string> {
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS_FILE)).digest("hex");
  const environment = { digest, requirements: REQUIREMENTS_FILE, folder: resolve(FOLDER) };
  const installed = await installedPython(environment);
  if (installed !== undefined) return installed;
  onLine("Installing checkov, once for each release: 300 MB, about a minute");
  return installPython(environment, { onLine });
}

async function runCheckov(python: string, folder: string): Promise<Scan> {
  const checkov = join(dirname(python), "checkov");
  // --skip-download: the rules are in the package; nothing is asked of anybody.
  const args = ["-d", folder, "--framework", "terraform_json", "--skip-download", "--quiet", "--compact", "-o", "json"];
  const result = await runCommand(python, [checkov, ...args], { env: { ...pythonEnvironment(), LOG_LEVEL: "ERROR" } });
  const parsed = resultSchema.safeParse(parseJson(result.stdout));
  // Whatever it could not read, it did not check.
  if (!parsed.success || parsed.data.summary.parsing_errors > 0) throw new CommandFailedError("checkov", result);
  const { results, summary } = parsed.data;
  const findings = results.failed_checks.map(
    ({ check_id: check, check_name: name, file_path: file, resource }): Finding => ({
      check,
      name,
      at: `${file.replace(/^\//, "").replace(/\.tf\.json$/, "")} ${resource}`,
    }),
  );
  return { passed: summary.passed, ...judge(findings, WAIVERS) };
}
