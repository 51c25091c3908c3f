/** Decides which execution may run an export: one at a time, and one finished run per day. */
import { isDeepStrictEqual } from "node:util";

import { accountOf, machineOf } from "../../shared/aws/arn";
import { DAY_MS, SECOND_MS } from "../../shared/time";
import type { ExportConfig, Range, Run, RunRequest, ScheduledExport, Window } from "../contract";
import { ConfigurationError } from "./configuration";
import { cursorAt, cursorSource, type Cursor, type CursorSource } from "./cursor";
import { reservedKey, uploadPrefix } from "./object-keys";
import { missedDues, scheduleKey, slotFault, slotOf, type Slot } from "./schedule";
import { incrementalPeriod, nextWindow, watermarkAt } from "./window";

/** The unfinished run of an export. */
export interface ActiveRun {
  readonly id: string;
  /** ARN of the execution that claimed it. The execution may have ended. */
  readonly execution: string;
  readonly attempt: number;
  /** Its files are lost: the next run starts over. */
  readonly abandoned: boolean;
  /** Its files are, or may be, published: it has to be finished. */
  readonly published: boolean;
}

export interface ExportState {
  readonly active: ActiveRun | undefined;
  /** End of the last finished run's window. */
  readonly cursor: Cursor | undefined;
  /** The last finished run that began without a cursor. */
  readonly wholeRun?: string | undefined;
  /** When the latest finished scheduled run was due, epoch milliseconds. */
  readonly scheduledUntil: number | undefined;
  /** The schedule that the reconciler has seen last ({@link scheduleKey}), and since when, epoch milliseconds. */
  readonly knownSchedule?: { readonly key: string; readonly since: number } | undefined;
  /** Changes with every claim, failure and end. */
  readonly version: number;
}

/** What a run is for. An occasion has one finished run. */
export type Occasion = Pick<Run, "day" | "time" | "trigger" | "range">;

/** A finished run's files. */
export interface FinishedDay {
  /** The run's id. */
  readonly run: string;
  readonly location: string;
  readonly window: Window | undefined;
  /** What the window is of. */
  readonly source: CursorSource | undefined;
  /** The run's. */
  readonly follows?: string | undefined;
}

export interface ClaimPorts {
  readonly exportState: (exportId: string) => Promise<ExportState>;
  readonly finishedDay: (exportId: string, occasion: Occasion) => Promise<FinishedDay | undefined>;
  /** Undefined when the record has expired, or cannot be read: then the run starts over, lest its export stand still. */
  readonly run: (exportId: string, id: string) => Promise<Run | undefined>;
  /**
   * Makes `run` the active run.
   *
   * @param before what the claim is based on. A function that was suspended meanwhile must not claim a window that another run has exported
   * @returns false when it has changed since, or another run has the id
   */
  readonly activate: (run: Run, execution: string, before: ExportState) => Promise<boolean>;
  /** Reserves a key for a run. Idempotent. @returns false when another run, of any export or deployment, has it */
  readonly reserveKey: (run: Run, key: string) => Promise<boolean>;
  readonly isRunning: (execution: string) => Promise<boolean>;
}

export type ClaimResult =
  /** `claimAgain`: an older run comes first; what was requested is still to be claimed. */
  | { readonly outcome: "run"; readonly run: Run; readonly claimAgain: boolean }
  | { readonly outcome: "exists"; readonly location: string }
  | { readonly outcome: "running"; readonly execution: string };

export interface ClaimInput {
  readonly request: RunRequest;
  readonly config: ScheduledExport;
  /** This function's region, and the feature's own bucket. */
  readonly home: { readonly region: string; readonly bucket: string };
  readonly execution: string;
  /** Of the table that is there now; undefined when it is not known. */
  readonly tableId?: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** After a conflicting write the state is read again. */
const MAX_ATTEMPTS = 5;

/** S3's lifecycle rule aborts uploads after 15 days. */
const RESUMABLE_MS = 14 * DAY_MS;

/** A run is part of the input of each step, which is limited. The uploads of earlier ones were aborted by those that came since. */
const MAX_SUPERSEDED = 100;

/** Each is a second. */
const MAX_KEYS_TRIED = 600;

/** Concurrent claims kept changing the state. Step Functions retries. */
export class ClaimConflictError extends Error {
  override readonly name = "ClaimConflictError";
}

/**
 * Claims an export for an execution. An unfinished run of any day is resumed first, with its own window and keys. If the export's
 * configuration has changed since, that day starts over: the old configuration may have caused the failure. So it does if the table was created
 * again: a segment would go on in another table.
 *
 * @throws {@link ClaimConflictError}, CursorMismatchError, ConfigurationError for a day that is none of the export's, and
 *   ExportPeriodTooShortError for incremental exports by DynamoDB
 */
export async function claimRun(input: ClaimInput, ports: ClaimPorts): Promise<ClaimResult> {
  const { request, execution, now } = input;
  const exportId = exportIdOf(request, accountOf(execution));
  const slot = requestedSlot(request, input.config, now);
  const requested: DueOccasion = { ...slot, trigger: request.trigger, range: request.range, due: request.due };
  const claimed = (run: Run): ClaimResult => ({ outcome: "run", run, claimAgain: !isSameOccasion(run, requested) });
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await ports.exportState(exportId);
    const { active, cursor, wholeRun, scheduledUntil } = before;
    const unfinished = active && (await ports.run(exportId, active.id));
    if (unfinished !== undefined && active?.execution === execution) return claimed(unfinished);
    if (active !== undefined && (await ports.isRunning(active.execution)))
      return { outcome: "running", execution: active.execution };
    const isResumed =
      active?.published === true ||
      (active?.abandoned === false &&
        unfinished !== undefined &&
        !request.force &&
        now - unfinished.startedAt < RESUMABLE_MS &&
        (input.tableId === undefined || input.tableId === unfinished.tableId || foundNoTable(unfinished)) &&
        isDeepStrictEqual(unfinished.config, configOf(input)));
    if (active !== undefined && unfinished !== undefined && isResumed) {
      const tableId = foundNoTable(unfinished) ? input.tableId : unfinished.tableId;
      const run = {
        ...unfinished,
        ...(tableId !== undefined && { tableId }),
        attempt: active.attempt + 1,
        resumedAt: now,
      };
      if (await ports.activate(run, execution, before)) return claimed(run);
      continue;
    }
    // Also when another day is forced: the unfinished run may have deleted its day's marker and completed some of its files.
    const { day, time, trigger, range, due } = unfinished ?? (await missedOccasion(input, before, ports)) ?? requested;
    const occasion = { day, time, trigger, range };
    const finished = await ports.finishedDay(exportId, occasion);
    if (finished !== undefined && active === undefined && !request.force && !request.again)
      return { outcome: "exists", location: finished.location };
    const run = newRun(
      // A retry after a conflict, or a clock that has gone back, must not reuse the id of another run.
      { ...input, now: now + attempt },
      {
        occasion,
        // An event that was redriven does not undo what was due since.
        due: due !== undefined && due > (scheduledUntil ?? -Infinity) ? due : undefined,
        cursor,
        wholeRun,
        finished,
        superseded: unfinished,
      },
    );
    const named = await withReservedKey(run, ports);
    if (await ports.activate(named, execution, before)) return claimed(named);
  }
  throw new ClaimConflictError(`${exportId}: ${MAX_ATTEMPTS} attempts to claim it conflicted with other executions`);
}

/** A run that has found no table has read nothing. Unless it has a window, which is of a certain table, it may read the one there is now. */
function foundNoTable({ tableId, tableSize, window }: Run): boolean {
  return tableId === undefined && tableSize === undefined && window === undefined;
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

function configOf({ request: { job }, config: { schedule: _, ...config } }: ClaimInput): ExportConfig {
  return job === undefined ? config : { ...config, table: job.table_name };
}

interface NewRun {
  readonly occasion: Occasion;
  readonly due: number | undefined;
  readonly cursor: Cursor | undefined;
  readonly wholeRun: string | undefined;
  readonly finished: FinishedDay | undefined;
  readonly superseded: Run | undefined;
}

function newRun(input: ClaimInput, { occasion, due, cursor, wholeRun, finished, superseded }: NewRun): Run {
  const { request, home, now, execution, tableId } = input;
  const { job } = request;
  const config = configOf(input);
  const { maxReadUnitsPerSecond } = config;
  const account = accountOfTable(job, accountOf(execution));
  const region = job?.region ?? home.region;
  const { day, time, trigger, range } = occasion;
  const at = { config, account, region, tableId };
  // A window of before the cursor was reset has been exported again since, by a run that replaced its files.
  const isRepeated =
    request.force &&
    finished?.window !== undefined &&
    finished.follows === wholeRun &&
    isDeepStrictEqual(finished.source, cursorSource(at));
  const window = isRepeated
    ? finished.window
    : range === undefined
      ? nextWindowOf(at, cursor, now, due)
      : windowOf(at, range);
  const id = new Date(now).toISOString();
  const isWhole = window !== undefined && window.from === undefined && range === undefined;
  const follows = isWhole && !isRepeated ? id : wholeRun;
  // An incremental run on from the cursor is one more of its day; another one replaces the run that it repeats.
  const replaced = config.mode === "full" || isRepeated || range !== undefined ? finished : undefined;
  return {
    deployment: machineOf(execution),
    exportId: exportIdOf(request, accountOf(execution)),
    id,
    day,
    ...(time !== undefined && { time }),
    trigger,
    ...(range && { range }),
    ...(due !== undefined && { due }),
    startedAt: now,
    keyTime: now,
    config,
    application: job?.application ?? "",
    account,
    region,
    ...(tableId !== undefined && { tableId }),
    ...(job?.assume_role && { role: job.assume_role }),
    bucket: config.bucket ?? home.bucket,
    ...(window && { window }),
    keepsCursor: isRepeated || range !== undefined,
    ...(follows !== undefined && { follows }),
    ...(replaced && { replaces: replaced.run }),
    superseded: superseded
      ? [...superseded.superseded, { id: superseded.id, prefix: uploadPrefix(superseded) }].slice(-MAX_SUPERSEDED)
      : [],
    ...(maxReadUnitsPerSecond !== undefined && { maxReadUnitsPerSecond }),
    segments: config.format === "json" || config.engine === "dynamodb-export" ? 1 : config.segments,
    attempt: 1,
  };
}

type DueOccasion = Occasion & Pick<Run, "due">;

/**
 * The oldest scheduled run that was missed before the requested one: of incremental exports, whose windows follow each other. What a new
 * schedule would have had before it was known was not missed.
 */
async function missedOccasion(
  { request, config, execution }: ClaimInput,
  { cursor, scheduledUntil, knownSchedule }: ExportState,
  { finishedDay }: ClaimPorts,
): Promise<DueOccasion | undefined> {
  const { schedule, mode, watermark } = config;
  // Without a cursor, what was requested has the items of all that was missed.
  if (cursor === undefined && watermark?.initialLookbackHours === undefined) return undefined;
  if (request.due === undefined || scheduledUntil === undefined || schedule === undefined || mode === "full")
    return undefined;
  if (knownSchedule !== undefined && knownSchedule.key !== scheduleKey(schedule)) return undefined;
  const after = Math.max(scheduledUntil, knownSchedule?.since ?? 0);
  for (const due of missedDues(schedule, after, request.due)) {
    const occasion: Occasion = { ...slotOf(due, schedule), trigger: "schedule" };
    // After a change of the schedule, two times may be due in one slot.
    const finished = await finishedDay(exportIdOf(request, accountOf(execution)), occasion);
    if (finished === undefined) return { ...occasion, due };
  }
  return undefined;
}

function isSameOccasion(run: Occasion, { day, time, trigger, range }: Occasion): boolean {
  return run.day === day && run.time === time && run.trigger === trigger && isDeepStrictEqual(run.range, range);
}

/**
 * @param now epoch milliseconds, for a request without a day
 * @throws ConfigurationError
 */
function requestedSlot(
  { day, time, trigger }: Pick<RunRequest, "day" | "time" | "trigger">,
  { schedule }: ScheduledExport,
  now: number,
): Slot {
  if (day === undefined) return slotOf(now, schedule);
  const slot = { day, ...(time !== undefined && { time }) };
  // The schedule may have changed since its event.
  const fault = trigger === "schedule" ? undefined : slotFault(slot, schedule, now);
  if (fault !== undefined) throw new ConfigurationError(fault);
  return slot;
}

type Source = Pick<Run, "config" | "account" | "region" | "tableId">;

/** @param due a late run leaves later items to the next, so that windows do not depend on when runs happen */
function nextWindowOf(
  at: Source,
  stored: Cursor | undefined,
  now: number,
  due: number | undefined,
): Window | undefined {
  const { mode, watermark, engine } = at.config;
  if (mode === "full") return undefined;
  const cursor = stored && cursorAt(stored, cursorSource(at));
  const dueOrNow = Math.min(now, due ?? now);
  // DynamoDB's incremental export selects by the time of the change, not by an attribute.
  if (engine === "dynamodb-export") {
    const window = nextWindow({ unit: "milliseconds", endsAt: dueOrNow, cursor, initialLookbackHours: undefined });
    incrementalPeriod(window); // Throws when it is too short: nothing is claimed, and the next run covers it.
    return window;
  }
  if (watermark === undefined) throw new Error("an incremental export has no watermark");
  // All items: files of the day, which it replaces, may have later ones than those of when it was due.
  const isWhole = cursor === undefined && watermark.initialLookbackHours === undefined;
  const end = isWhole ? now : dueOrNow;
  return nextWindow({ ...watermark, endsAt: end - watermark.settleSeconds * SECOND_MS, cursor });
}

/** A backfill's. */
function windowOf({ config: { mode, watermark, engine } }: Source, { since, until }: Range): Window {
  if (mode === "full" || engine !== "scan" || watermark === undefined)
    throw new ConfigurationError("only an incremental export that scans can export a range");
  // A second that the range ends in has items of before its end.
  const end = watermark.unit === "seconds" ? Math.ceil(until / SECOND_MS) * SECOND_MS : until;
  return { from: watermarkAt(watermark.unit, since), to: watermarkAt(watermark.unit, end) };
}
