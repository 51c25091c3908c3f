/** `almanac exports run <export>`: runs an export now, and shows its progress. */
import * as z from "zod";
import { timeSchema, type NewRunRequest, type Range, type ScheduledExport } from "../../../functions/exports/contract";
import { startExecution } from "../../../functions/exports/run/executions";
import { slotFault, type Slot } from "../../../functions/exports/run/schedule";
import { timeOfCursor } from "../../../functions/exports/run/cursor";
import type { StateTable } from "../../../functions/exports/storage/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { SECOND_MS } from "../../../functions/shared/time";
import { exportNamed, findExports, sizeOf, type TableSize } from "../../features/exports/environment";
import { estimate } from "../../features/exports/estimate";
import { followExecution } from "../../features/exports/follow";
import { timeOption } from "../../features/exports/time-option";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { count, duration, progressOn, size } from "../../shared/terminal/progress";

interface Options extends EnvironmentOptions, JsonOption {
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly force: boolean;
  readonly estimate: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Runs an export now, and shows its progress. Ctrl-C stops only the display.",
      examples: [
        "npx almanac exports run orders",
        "npx almanac exports run orders --env staging --estimate",
        "npx almanac exports run orders --since 2026-11-01T00:00Z --until 2026-11-08T00:00Z",
      ],
      exitCodes: {
        [EXIT.ok]: "it is exported, or there was nothing new",
        [EXIT.failure]: "the export failed, or another execution is running it",
      },
    }),
  )
    .argument("<export>", "its name in main.ts")
    .option("--day <day>", "the day of the export, or hour or minute: 2026-11-21, 2026-11-21T17 (default: now)")
    .option("--since <time>", "backfill: export the items from this time on, whatever was exported: 2026-11-01T00:00Z")
    .option("--until <time>", "with --since: only items before this time (default: where the next run starts)")
    .option("--force", "start over an unfinished run, and repeat a finished one with its own window", false)
    .option("--estimate", "only estimate cost and duration", false)
    .option("--json", "with --estimate: one JSON document on standard output", false)
    .action(exitCodeOf(run));

/** Another execution is running the export. */
class ExportRunningError extends Error {
  override readonly name = "ExportRunningError";
}

async function run(name: string, options: Options): Promise<number> {
  const { day, force } = options;
  const slot = day === undefined ? undefined : slotOption(day);
  const [since, until] = [timeOption("since", options.since), timeOption("until", options.until)];
  if (options.json && !options.estimate) throw new UsageError("--json is only for --estimate.");
  const deployed = await findExports(options);
  const config = exportNamed(name, deployed.configuration);
  const fault = slot && slotFault(slot, config.schedule, Date.now());
  if (fault !== undefined) throw new UsageError(`--day: ${fault}`);
  const range = await rangeOf({ since, until }, config, deployed.state);
  showEstimate(config, await sizeOf(config, deployed.dynamodb), options);
  if (options.estimate) return EXIT.ok;

  const request: NewRunRequest = {
    export: name,
    force,
    again: true,
    ...(range && { trigger: "backfill", range }),
    ...slot,
  };
  const execution = await startExecution(
    deployed.sfn,
    deployed.stateMachineArn,
    `${name}-${Date.now().toString(36)}`,
    request,
  );
  const ports = { ...deployed, progress: progressOn(process.stderr, Date.now), clock: systemClock };
  const { outcome, message } = await followExecution(name, execution, ports);
  if (outcome === "running")
    throw new ExportRunningError(`${name} is ${message}\nFollow it: npx almanac exports watch ${name}`);
  console.log(message);
  const settle = config.watermark?.settleSeconds ?? 0;
  if (outcome === "nothing-new" && settle > 0)
    console.log(`Items of the last ${duration(settle)} are exported by a later run (settleSeconds).`);
  return EXIT.ok;
}

function slotOption(text: string): Slot {
  const [, day = "", time] = /^(\d{4}-\d\d-\d\d)(?:T(.+))?$/.exec(text) ?? [];
  const slot = z.object({ day: z.iso.date(), time: timeSchema.optional() }).safeParse({ day, time }).data;
  if (slot === undefined)
    throw new UsageError(`--day: "${text}" is not a day such as 2026-11-21, 2026-11-21T17 or 2026-11-21T17:15`);
  return time === undefined ? { day } : { day, time };
}

/** The range of a backfill; undefined for another run. */
async function rangeOf(
  { since, until }: { readonly since: number | undefined; readonly until: number | undefined },
  { name, mode, engine, watermark }: ScheduledExport,
  state: StateTable,
): Promise<Range | undefined> {
  if (since === undefined) {
    if (until !== undefined) throw new UsageError("--until: say --since, too.");
    return undefined;
  }
  if (mode === "full" || engine !== "scan" || watermark === undefined)
    throw new UsageError(`--since: ${name} exports no ranges. Only an incremental export that scans its table does.`);
  const { cursor } = await state.exportState(name);
  const settled = Date.now() - watermark.settleSeconds * SECOND_MS;
  const next = cursor && timeOfCursor(cursor);
  const end = until ?? Math.min(next ?? settled, settled);
  if (end > settled)
    throw new UsageError(
      `--until: items of the last ${duration(watermark.settleSeconds)} may still arrive (settleSeconds).`,
    );
  if (since >= end)
    throw new UsageError(`--since: is not before ${new Date(end).toISOString()}, the end of the range.`);
  return { since, until: end };
}

function showEstimate(config: ScheduledExport, tableSize: TableSize, options: Options): void {
  const { dollars, seconds, costs } = estimate(config, tableSize);
  if (options.estimate && options.json) {
    console.log(JSON.stringify({ table: config.table, ...tableSize, dollars, seconds, costs }));
    return;
  }
  const parts = Object.entries(costs)
    .filter(([, cost]) => cost > 0)
    .map(([service, cost]) => `${service} $${cost.toPrecision(2)}`);
  console.log(`${config.table}: ${count(tableSize.items)} items, ${size(tableSize.bytes)}, by DynamoDB's last count`);
  console.log(`About $${dollars.toPrecision(2)} (${parts.join(", ")}) and ${duration(seconds)}.`);
}
