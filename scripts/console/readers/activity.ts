/** Which functions run: what lights up in the drawing of the architecture. */
import { MINUTE_MS } from "../../../functions/shared/time";
import type { ActivityView } from "../contract";
import { runsOf, type LogTail } from "./log-tail";
import type { Source } from "./source";

export async function readActivity({ environment, now }: Source, tail: LogTail): Promise<ActivityView> {
  const events = await tail.read(await environment());
  const functions: Record<string, { lastAt: string; runs: number; errors: number }> = {};
  const since = new Date(now() - MINUTE_MS).toISOString();
  for (const { functionName, at, ok } of runsOf(events)) {
    const known = (functions[functionName] ??= { lastAt: at, runs: 0, errors: 0 });
    if (at < since) continue;
    known.runs += 1;
    if (!ok) known.errors += 1;
  }
  return { functions };
}
