/** Decides which execution may run an export: one at a time, and one finished run per day. */
import { isDeepStrictEqual } from "node:util";

import type { ExportConfig, Run, RunRequest, Window } from "../contract";
import { dayOf } from "./object-keys";
import { incrementalPeriod, nextWindow } from "./window";

/** The unfinished run of an export. */
export interface ActiveRun {
  readonly id: string;
  /** ARN of the execution that claimed it. The execution may have ended. */
  readonly execution: string;
  readonly attempt: number;
}

export interface ExportState {
  readonly active: ActiveRun | undefined;
  /** End of the last finished run's window. */
  readonly cursor: string | undefined;
}

/** A day with a finished run. */
export interface FinishedDay {
  readonly location: string;
  readonly window: Window | undefined;
}

export interface ClaimPorts {
  readonly exportState: (exportId: string) => Promise<ExportState>;
  readonly finishedDay: (exportId: string, day: string) => Promise<FinishedDay | undefined>;
  /** Undefined when the record has expired. */
  readonly run: (exportId: string, id: string) => Promise<Run | undefined>;
  /**
   * Makes `run` the active run.
   *
   * @returns false when `previous` is no longer the active run
   */
  readonly activate: (run: Run, execution: string, previous: ActiveRun | undefined) => Promise<boolean>;
  readonly isRunning: (execution: string) => Promise<boolean>;
}

export type ClaimResult =
  | { readonly outcome: "run"; readonly run: Run }
  | { readonly outcome: "exists"; readonly location: string }
  | { readonly outcome: "running"; readonly execution: string };

export interface ClaimInput {
  readonly request: RunRequest;
  readonly config: ExportConfig;
  /** This function's region, and the feature's own bucket. */
  readonly home: { readonly region: string; readonly bucket: string };
  readonly execution: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** After a conflicting write the state is read again. */
const MAX_ATTEMPTS = 5;

/** Concurrent claims kept changing the state. Step Functions retries. */
export class ClaimConflictError extends Error {
  override readonly name = "ClaimConflictError";
}

/**
 * Claims an export for an execution. An unfinished run of any day is resumed first, with its own window and keys. If the export's
 * configuration has changed since, that day starts over: the old configuration may have caused the failure.
 *
 * @throws {@link ClaimConflictError}, and ExportPeriodTooShortError for incremental exports by DynamoDB
 */
export async function claimRun(input: ClaimInput, ports: ClaimPorts): Promise<ClaimResult> {
  const { request, execution } = input;
  const exportId = exportIdOf(request);
  const requestedDay = request.day ?? dayOf(input.now);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { active, cursor } = await ports.exportState(exportId);
    const unfinished = active && (await ports.run(exportId, active.id));
    if (unfinished !== undefined && active?.execution === execution) return { outcome: "run", run: unfinished };
    if (active !== undefined && (await ports.isRunning(active.execution)))
      return { outcome: "running", execution: active.execution };
    if (
      active !== undefined &&
      unfinished !== undefined &&
      !request.force &&
      isDeepStrictEqual(unfinished.config, configOf(input))
    ) {
      const run = { ...unfinished, attempt: active.attempt + 1 };
      if (await ports.activate(run, execution, active)) return { outcome: "run", run };
      continue;
    }
    const day = request.force ? requestedDay : (unfinished?.day ?? requestedDay);
    const finished = await ports.finishedDay(exportId, day);
    if (finished !== undefined && active === undefined && !request.force)
      return { outcome: "exists", location: finished.location };
    const run = newRun(input, day, cursor, finished);
    if (await ports.activate(run, execution, active)) return { outcome: "run", run };
  }
  throw new ClaimConflictError(`${exportId}: ${MAX_ATTEMPTS} attempts to claim it conflicted with other executions`);
}

/** The export's name; for a job `<export>/<application>/<region>/<table>`. */
export function exportIdOf({ export: name, job }: Pick<RunRequest, "export" | "job">): string {
  return job === undefined ? name : [name, job.application, job.region, job.table_name].join("/");
}

function configOf({ request: { job }, config }: ClaimInput): ExportConfig {
  return job === undefined ? config : { ...config, table: job.table_name };
}

function newRun(input: ClaimInput, day: string, cursor: string | undefined, finished: FinishedDay | undefined): Run {
  const { request, home, now } = input;
  const { job } = request;
  const config = configOf(input);
  const window = finished?.window ?? windowFor(config, cursor, now);
  return {
    exportId: exportIdOf(request),
    id: new Date(now).toISOString(),
    day,
    startedAt: now,
    config,
    application: job?.application ?? "",
    region: job?.region ?? home.region,
    ...(job?.assume_role && { role: job.assume_role }),
    bucket: config.bucket ?? home.bucket,
    ...(window && { window }),
    rerun: finished !== undefined,
    segments: config.format === "json" || config.engine === "dynamodb-export" ? 1 : config.segments,
    attempt: 1,
  };
}

function windowFor(
  { mode, watermark, engine }: ExportConfig,
  cursor: string | undefined,
  now: number,
): Window | undefined {
  if (mode === "full") return undefined;
  // DynamoDB's incremental export selects by the time of the change, not by an attribute.
  if (engine === "dynamodb-export") {
    const window = nextWindow({ unit: "milliseconds", startedAt: now, cursor, initialLookbackHours: undefined });
    incrementalPeriod(window); // Throws when it is too short: nothing is claimed, and the next run covers it.
    return window;
  }
  if (watermark === undefined) throw new Error("an incremental export has no watermark");
  return nextWindow({ ...watermark, startedAt: now, cursor });
}
