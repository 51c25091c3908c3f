import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOutput, ownEnvironment } from "../../shared/run-command";
import { figure, figureAtMost, type Figure } from "./figure";

/** `npm start` itself, in a home of its own and beside whatever runs already, from an installed tree to "ready". */
export async function benchStart(): Promise<readonly Figure[]> {
  const home = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const { ALMANAC_AWS_ENDPOINT: _, ...env } = ownEnvironment();
  const npmRun = (...args: readonly string[]) =>
    commandOutput(process.execPath, ["scripts/launcher/almanac.mjs", ...args, "--home", home], { env });
  try {
    const output = await npmRun("start", "--detach");
    const ready = Number(/ready after ([\d.]+) s/.exec(output)?.[1]);
    const steps = [...output.matchAll(/^ {2}([A-Z][^:(\n]*?)(?::[^\n]*)? \(([\d.]+) s\)$/gm)].map(
      ([, title = "", seconds]) => figure(`${title.toLowerCase().replaceAll(" ", "_")}_s`, Number(seconds), "s"),
    );
    return [figureAtMost("ready_s", ready, "s", 90), ...steps];
  } finally {
    await npmRun("stop");
    rmSync(home, { recursive: true, force: true });
  }
}
