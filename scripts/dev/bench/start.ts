/** Benchmark: `npm start`, first and again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandOutput, ownEnvironment } from "../../shared/run-command";
import { figure, figureAtMost, type Figure } from "./figure";

/**
 * `npm start` itself, in a home of its own and beside whatever runs already, from an installed tree to "ready": onto nothing, then onto
 * what the first has kept.
 */
export async function benchStart(): Promise<readonly Figure[]> {
  const home = mkdtempSync(join(tmpdir(), "almanac-bench-"));
  const { ALMANAC_AWS_ENDPOINT: _, ...env } = ownEnvironment();
  const npmRun = (...args: readonly string[]) =>
    commandOutput(process.execPath, ["scripts/launcher/almanac.mjs", ...args, "--home", home], { env });
  try {
    const first = await npmRun("start", "--detach");
    await npmRun("stop");
    const second = await npmRun("start", "--detach");
    return [
      figureAtMost("first_ready_s", readyOf(first), "s", 75),
      figureAtMost("second_ready_s", readyOf(second), "s", 6),
      ...stepsOf("first", first),
      ...stepsOf("second", second),
    ];
  } finally {
    await npmRun("stop");
    rmSync(home, { recursive: true, force: true });
  }
}

const readyOf = (output: string): number => Number(/ready after ([\d.]+) s/.exec(output)?.[1]);

/** `Terraform apply: 326 added (42.0 s)` */
function stepsOf(start: string, output: string): readonly Figure[] {
  return [...output.matchAll(/^ *([A-Z][^:(\n]*?)(?::[^\n]*)? \(([\d.]+) s\)$/gm)].map(([, title = "", seconds]) =>
    figure(`${start}_${title.toLowerCase().replaceAll(" ", "_")}_s`, Number(seconds), "s"),
  );
}
