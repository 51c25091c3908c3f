/** Decides which execution may run an export: one at a time, and one finished run per day. */
import { isDeepStrictEqual } from "node:util";

import { DAY_MS, SECOND_MS } from "../../shared/time";
import type { ExportConfig, Run, RunRequest, Trigger, Window } from "../contract";
import { cursorAt, cursorSource, type Cursor } from "./cursor";
import { accountOf } from "./executions";
import { dayOf, reservedKey, uploadPrefix } from "./object-keys";
import { incrementalPeriod, nextWindow } from "./window";

/** The unfinished run of an export. */
export interface ActiveRun {
  readonly id: string;
  /** ARN of the execution that claimed it. The execution may have ended. */
  readonly execution: string;
  readonly attempt: number;
  /** Its files are lost: the next run starts over. */
  readonly abandoned: boolean;
}

export interface ExportState {
  readonly active: ActiveRun | undefined;
  /** End of the last finished run's window. */
  readonly cursor: Cursor | undefined;
}

/** A day with a finished run. */
export interface FinishedDay {
  /** The run's id. */
  readonly run: string;
  readonly location: string;
  readonly window: Window | undefined;
}

export interface ClaimPorts {
  readonly exportState: (exportId: string) => Promise<ExportState>;
  readonly finishedDay: (exportId: string, day: string, trigger: Trigger) => Promise<FinishedDay | undefined>;
  /** Undefined when the record has expired. */
  readonly run: (exportId: string, id: string) => Promise<Run | undefined>;
  /**
   * Makes `run` the active run.
   *
   * @returns false when `previous` is no longer the active run, or another run has the id
   */
  readonly activate: (run: Run, execution: string, previous: ActiveRun | undefined) => Promise<boolean>;
  /** Reserves a key for a run. Idempotent. @returns false when another run, of any export, has it */
  readonly reserveKey: (run: Run, key: string) => Promise<boolean>;
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

/** S3's lifecycle rule aborts uploads after 15 days. */
const RESUMABLE_MS = 14 * DAY_MS;

/** Each is a second. */
const MAX_KEYS_TRIED = 600;

/** Concurrent claims kept changing the state. Step Functions retries. */
export class ClaimConflictError extends Error {
  override readonly name = "ClaimConflictError";
}

/**
 * Claims an export for an execution. An unfinished run of any day is resumed first, with its own window and keys. If the export's
 * configuration has changed since, that day starts over: the old configuration may have caused the failure.
 *
 * @throws {@link ClaimConflictError}, CursorMismatchError, and ExportPeriodTooShortError for incremental exports by DynamoDB
 */
export async function claimRun(input: ClaimInput, ports: ClaimPorts): Promise<ClaimResult> {
  const { request, execution, now } = input;
  const exportId = exportIdOf(request, accountOf(execution));
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
      !active.abandoned &&
      now - unfinished.startedAt < RESUMABLE_MS &&
      isDeepStrictEqual(unfinished.config, configOf(input))
    ) {
      const run = { ...unfinished, attempt: active.attempt + 1 };
      if (await ports.activate(run, execution, active)) return { outcome: "run", run };
      continue;
    }
    const { day, trigger } = request.force || !unfinished ? { ...request, day: requestedDay } : unfinished;
    const finished = await ports.finishedDay(exportId, day, trigger);
    if (finished !== undefined && active === undefined && !request.force)
      return { outcome: "exists", location: finished.location };
    // A retry after a conflict, or a clock that has gone back, must not reuse the id of another run.
    const run = newRun({ ...input, now: now + attempt }, { day, trigger, cursor, finished, superseded: unfinished });
    const named = await withReservedKey(run, ports);
    if (await ports.activate(named, execution, active)) return { outcome: "run", run: named };
  }
  throw new ClaimConflictError(`${exportId}: ${MAX_ATTEMPTS} attempts to claim it conflicted with other executions`);
}

/** The export's name; for a job `<export>/<application>/<account>/<region>/<table>`. `home` is the functions' account. */
export function exportIdOf({ export: name, job }: Pick<RunRequest, "export" | "job">, home: string): string {
  if (job === undefined) return name;
  return [name, job.application, accountOfTable(job, home), job.region, job.table_name].join("/");
}

/** A role reads the tables of its own account. */
function accountOfTable(job: RunRequest["job"], home: string): string {
  return job?.assume_role ? accountOf(job.assume_role) : home;
}

/** Keys of flat layouts have a time in seconds: takes the next second in which no other run has the key. */
async function withReservedKey(run: Run, { reserveKey }: ClaimPorts): Promise<Run> {
  for (let number = 0; number < MAX_KEYS_TRIED; number++) {
    const named = { ...run, keyTime: run.startedAt + number * SECOND_MS };
    const key = reservedKey(named);
    if (key === undefined || (await reserveKey(named, key))) return named;
  }
  throw new ClaimConflictError(`${run.exportId}: other runs have all of the next ${MAX_KEYS_TRIED} keys`);
}

function configOf({ request: { job }, config }: ClaimInput): ExportConfig {
  return job === undefined ? config : { ...config, table: job.table_name };
}

interface NewRun {
  readonly day: string;
  readonly trigger: Trigger;
  readonly cursor: Cursor | undefined;
  readonly finished: FinishedDay | undefined;
  readonly superseded: Run | undefined;
}

function newRun(input: ClaimInput, { day, trigger, cursor, finished, superseded }: NewRun): Run {
  const { request, home, now, execution } = input;
  const { job } = request;
  const config = configOf(input);
  const account = accountOfTable(job, accountOf(execution));
  const region = job?.region ?? home.region;
  const window = finished?.window ?? windowFor(config, { account, region }, cursor, now);
  return {
    exportId: exportIdOf(request, accountOf(execution)),
    id: new Date(now).toISOString(),
    day,
    trigger,
    startedAt: now,
    keyTime: now,
    config,
    application: job?.application ?? "",
    account,
    region,
    ...(job?.assume_role && { role: job.assume_role }),
    bucket: config.bucket ?? home.bucket,
    ...(window && { window }),
    rerun: finished !== undefined,
    ...(finished && { replaces: finished.run }),
    superseded: superseded ? [...superseded.superseded, { id: superseded.id, prefix: uploadPrefix(superseded) }] : [],
    segments: config.format === "json" || config.engine === "dynamodb-export" ? 1 : config.segments,
    attempt: 1,
  };
}

function windowFor(
  config: ExportConfig,
  at: Pick<Run, "account" | "region">,
  stored: Cursor | undefined,
  now: number,
): Window | undefined {
  const { mode, watermark, engine } = config;
  if (mode === "full") return undefined;
  const source = cursorSource({ config, ...at });
  const cursor = stored && cursorAt(stored, source);
  // DynamoDB's incremental export selects by the time of the change, not by an attribute.
  if (engine === "dynamodb-export") {
    const window = nextWindow({ unit: "milliseconds", endsAt: now, cursor, initialLookbackHours: undefined });
    incrementalPeriod(window); // Throws when it is too short: nothing is claimed, and the next run covers it.
    return window;
  }
  if (watermark === undefined) throw new Error("an incremental export has no watermark");
  return nextWindow({ ...watermark, endsAt: now - watermark.settleSeconds * SECOND_MS, cursor });
}
