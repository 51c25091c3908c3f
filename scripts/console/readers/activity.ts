/** Which functions run: what lights up in the drawing of the architecture. */
import { MINUTE_MS } from "../../../functions/shared/time";
import { logGroupsOf } from "../../features/logs/log-groups";
import type { ActivityView } from "../contract";
import { runsOf, type LogTail } from "./log-tail";
import type { Source } from "./source";

export async function readActivity({ environment, now }: Source, tail: LogTail): Promise<ActivityView> {
  const opened = await environment();
  const events = await tail.read(opened);
  const functions: Record<string, { lastAt: string; runs: number; errors: number }> = {};
  const since = new Date(now() - MINUTE_MS).toISOString();
  for (const { functionName, at, ok } of runsOf(events, logGroupsOf(opened.name, opened.state))) {
    const known = (functions[functionName] ??= { lastAt: at, runs: 0, errors: 0 });
    if (at < since) continue;
    known.runs += 1;
    if (!ok) known.errors += 1;
  }
  return { functions };
}
