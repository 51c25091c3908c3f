/** Check on demand: main.ts gives the same stacks under cdktn, cdktf's successor, except for versions. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import { commandOutput, ownEnvironment } from "../../../shared/run-command";
import { figure, figureAtMost, type Figure } from "../figure";

const INSTALLED = resolve(".almanac/cdktn");

/** Both synthesize main.ts; every file of theirs is compared. */
export async function benchCdktn(): Promise<readonly Figure[]> {
  await install();
  const folder = await mkdtemp(join(tmpdir(), "almanac-cdktn-"));
  try {
    const [cdktf, cdktn] = [join(folder, "cdktf"), join(folder, "cdktn")];
    await synthesize(cdktf, ["--require", "tsx/cjs"]);
    await synthesize(cdktn, ["--require", join(__dirname, "alias.cjs"), "--require", "tsx/cjs"]);
    if ((await versionIn(cdktf)) === (await versionIn(cdktn))) throw new Error("both were synthesized by cdktf");
    const files = await filesIn(cdktf);
    const different = await differences(cdktf, cdktn, [...new Set([...files, ...(await filesIn(cdktn))])]);
    for (const name of different) console.error(`differs: ${name}`);
    return [figure("files", files.length, ""), figureAtMost("different_files", different.length, "", 0)];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Beside the project's own packages: cdktn needs another release of constructs. */
async function install(): Promise<void> {
  await mkdir(INSTALLED, { recursive: true });
  for (const file of ["package.json", "package-lock.json"])
    await copyFile(join(__dirname, file), join(INSTALLED, file));
  await commandOutput("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: INSTALLED,
    env: ownEnvironment(),
  });
}

async function synthesize(output: string, flags: readonly string[]): Promise<void> {
  const env = { ...ownEnvironment(), CDKTF_OUTDIR: output, CDKTN: INSTALLED };
  await commandOutput(process.execPath, [...flags, "main.ts"], { env });
}

async function versionIn(output: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(output, "manifest.json"), "utf8"));
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** Relative to the folder. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
}

async function differences(one: string, other: string, files: readonly string[]): Promise<readonly string[]> {
  const isSame = async (file: string) => {
    const [before, after] = await Promise.all([one, other].map((folder) => contentOf(join(folder, file))));
    return before === after && before !== undefined;
  };
  const same = await Promise.all(files.map(isSame));
  return files.filter((_, index) => same[index] === false);
}

/** JSON without its layout and the version of what has written it. */
async function contentOf(file: string): Promise<string | undefined> {
  const content = await readFile(file).catch(() => undefined);
  if (content === undefined || !/(cdk\.tf|manifest)\.json$/.test(file)) return content?.toString("base64");
  return JSON.stringify(JSON.parse(content.toString("utf8")), (key, value: unknown) =>
    key === "version" && /^0\.(21|24)\.\d+$/.test(String(value)) ? "cdktf's" : value,
  );
}
