/** Who may run an export now: one execution at a time, and one run a day. */
import { isDeepStrictEqual } from "node:util";

import type { ExportConfig, Job, Run, RunRequest } from "../contract";
import { dayOf } from "./object-keys";
import { changesOf, windowOf, type Window } from "./window";

/** The run that an export is at. */
export interface ActiveRun {
  readonly id: string;
  /** The execution that has it, by its ARN. It may be dead. */
  readonly owner: string;
  readonly attempt: number;
}

/** What is known of an export. */
export interface ExportHead {
  readonly active: ActiveRun | undefined;
  /** Where the last finished run's window ended. */
  readonly cursor: string | undefined;
}

/** A day that has its export. */
export interface FinishedDay {
  readonly location: string;
  readonly window: Window | undefined;
}

/** What a claim needs to know and to write. Each write says whether the state was still what was read. */
export interface ClaimPorts {
  readonly head: (subject: string) => Promise<ExportHead>;
  readonly finishedDay: (subject: string, day: string) => Promise<FinishedDay | undefined>;
  /** Undefined: its record has expired. */
  readonly run: (subject: string, id: string) => Promise<Run | undefined>;
  /** Makes a run the active one, in place of another or of none. */
  readonly begin: (run: Run, owner: string, replaced: ActiveRun | undefined) => Promise<boolean>;
  readonly takeOver: (run: Run, owner: string, from: ActiveRun) => Promise<boolean>;
  /** Whether an execution is still at work. */
  readonly isRunning: (execution: string) => Promise<boolean>;
}

export type Claimed =
  | { readonly outcome: "run"; readonly run: Run }
  | { readonly outcome: "exists"; readonly location: string }
  | { readonly outcome: "running"; readonly owner: string };

export interface ClaimQuestion {
  readonly request: RunRequest;
  readonly config: ExportConfig;
  /** Where this function is, and its bucket. */
  readonly home: { readonly region: string; readonly bucket: string };
  readonly execution: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Others may write between reading and writing: then it is looked at anew. */
const MOST_ATTEMPTS = 5;

/** An export is claimed by others again and again. Step Functions tries later. */
export class ClaimContendedError extends Error {
  override readonly name = "ClaimContendedError";
}

/**
 * Claims an export for an execution. A run that somebody has left unfinished comes first, whichever day it is for: it is resumed
 * with its own window and names, and nothing that it has finished is repeated. If the export's configuration is another one since,
 * that day is begun anew instead: what was wrong with it may have been the very reason.
 *
 * @throws {@link ClaimContendedError}, and TooSoonError where DynamoDB itself exports changes
 */
export async function claimRun(question: ClaimQuestion, ports: ClaimPorts): Promise<Claimed> {
  const { request, execution } = question;
  const subject = subjectOf(request);
  const day = request.day ?? dayOf(question.now);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const { active, cursor } = await ports.head(subject);
    const left = active && (await ports.run(subject, active.id));
    if (left !== undefined && active?.owner === execution) return { outcome: "run", run: left };
    if (active !== undefined && (await ports.isRunning(active.owner)))
      return { outcome: "running", owner: active.owner };
    if (
      active !== undefined &&
      left !== undefined &&
      !request.force &&
      isDeepStrictEqual(left.config, configOf(question))
    ) {
      const run = { ...left, attempt: active.attempt + 1 };
      if (await ports.takeOver(run, execution, active)) return { outcome: "run", run };
      continue;
    }
    const dayToRun = request.force ? day : (left?.day ?? day);
    const finished = await ports.finishedDay(subject, dayToRun);
    if (finished !== undefined && active === undefined && !request.force)
      return { outcome: "exists", location: finished.location };
    const run = newRun(question, subject, dayToRun, cursor, finished);
    if (await ports.begin(run, execution, active)) return { outcome: "run", run };
  }
  throw new ClaimContendedError(`${subject} is being claimed by others`);
}

/** Whose state a run is: an export's, or, for a job, that of its application's table. */
export function subjectOf({ export: name, job }: Pick<RunRequest, "export" | "job">): string {
  return job === undefined ? name : [name, job.application, job.region, job.table_name].join("/");
}

function configOf({ request: { job }, config }: ClaimQuestion): ExportConfig {
  return job === undefined ? config : { ...config, table: job.table_name };
}

function newRun(
  question: ClaimQuestion,
  subject: string,
  day: string,
  cursor: string | undefined,
  finished: FinishedDay | undefined,
): Run {
  const { request, home, now } = question;
  const config = configOf(question);
  const window = finished?.window ?? windowFor(config, cursor, now);
  const { job } = request;
  const role = roleOf(job);
  return {
    subject,
    id: new Date(now).toISOString(),
    day,
    startedAt: now,
    config,
    application: job?.application ?? "",
    region: job?.region ?? home.region,
    ...(role !== undefined && { role }),
    bucket: config.bucket ?? home.bucket,
    ...(window && { window }),
    repeats: finished !== undefined,
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
  // DynamoDB's own export counts by the time of the change, whatever attributes there are.
  if (engine === "dynamodb-export") {
    const window = windowOf({ unit: "milliseconds", startedAt: now, lastEnd: cursor, firstHours: undefined });
    changesOf(window); // Too soon: nothing is claimed, and the next one takes it all.
    return window;
  }
  if (watermark === undefined) throw new Error("an incremental export has no watermark");
  const { unit, firstHours } = watermark;
  return windowOf({ unit, startedAt: now, lastEnd: cursor, firstHours });
}

function roleOf(job: Job | undefined): string | undefined {
  return job?.assume_role ? job.assume_role : undefined;
}
