/** Local environments of benchmarks' own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readRunning, type RunRecord } from "../../emulator/run-record";
import { homeAt } from "../../shared/home";
import { commandOutput, ownEnvironment } from "../../shared/run-command";

/** `npx almanac start` and `stop`, with the home. Returns the command's output. */
export type AlmanacCommand = (...args: readonly string[]) => Promise<string>;

/** Measures in a home of its own, beside what already runs. Stops what was started there. */
export async function withHome<Result>(
  measure: (almanac: AlmanacCommand, home: string) => Promise<Result>,
): Promise<Result> {
  const home = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const { ALMANAC_AWS_ENDPOINT: _, ...env } = ownEnvironment();
  const almanac: AlmanacCommand = (...args) =>
    commandOutput(process.execPath, ["scripts/launcher/almanac.mjs", ...args, "--home", home], { env });
  try {
    return await measure(almanac, home);
  } finally {
    await almanac("stop");
    rmSync(home, { recursive: true, force: true });
  }
}

/** Measures a local environment that `npm start` has deployed into a home of its own. */
export async function withLocalEnvironment<Result>(
  measure: (running: RunRecord, home: string) => Promise<Result>,
): Promise<Result> {
  return withHome(async (almanac, home) => {
    await almanac("start", "--detach");
    const running = await readRunning(homeAt(home));
    if (running === undefined) throw new Error("npm start did not start an environment");
    return measure(running, home);
  });
}
