/** One attempt of a run: claims it, calls the user's handler, records its end. */
import type { Clock } from "../../shared/clock";
import { errorMessage, errorName, withoutContent } from "../../shared/errors";
import { parseJson } from "../../shared/input";
import { SECOND_MS } from "../../shared/time";
import { truncateBytes, visibleLines } from "../../shared/text";
import { ABORT_SECONDS, LATE_SECONDS, MAX_RESULT_BYTES, runIdOf, type Attempt, type Run } from "../contract";
import { failureOf } from "../plan/end-attempt";
import type { AttemptEnd, RunsTable } from "../storage/runs-table";

/** A run, as the handler gets it. */
export interface ScheduledRun {
  /** `invoices` */
  readonly schedule: string;
  /** The instant of the schedule, without jitter; of a run by hand: when it was asked for. */
  readonly scheduledAt: Date;
  /** The same in each attempt: an idempotency key. */
  readonly runId: string;
  /** From 1. */
  readonly attempt: number;
  /** The schedule's `input`, or that of the run by hand. Undefined without one. */
  readonly input: unknown;
}

/** The function is about to reach its timeout: stop, and let the run fail or be retried. */
export class RunTimeoutError extends Error {
  override readonly name = "RunTimeoutError";
}

export interface AttemptPorts {
  readonly table: Pick<RunsTable, "claim" | "end">;
  readonly clock: Clock;
  /** Calls the user's handler. */
  readonly call: (run: ScheduledRun, signal: AbortSignal) => unknown;
  readonly observer: AttemptObserver;
}

export interface AttemptObserver {
  readonly duplicate: () => void;
  readonly began: (run: Run, lateMs: number, isLate: boolean) => void;
  readonly ended: (run: Run, end: AttemptEnd, durationMs: number) => void;
  readonly failed: (error: unknown) => void;
  /** The end came after the keeper had given up the attempt. */
  readonly tooLate: () => void;
}

export interface Invocation {
  /** Unique. */
  readonly owner: string;
  /** The function's timeout, epoch milliseconds. */
  readonly deadline: number;
  readonly log: NonNullable<Run["log"]>;
}

/** @returns how the attempt ended; undefined for one that had begun before */
export async function runAttempt(
  attempt: Attempt,
  { owner, deadline, log }: Invocation,
  { table, clock, call, observer }: AttemptPorts,
): Promise<AttemptEnd | undefined> {
  const now = clock.now();
  const run = await table.claim(attempt, { attempt: attempt.attempt, owner, now, deadline, log });
  if (run === undefined) {
    observer.duplicate();
    return undefined;
  }
  const lateMs = now - run.dueAt;
  observer.began(run, lateMs, !run.manual && run.attempt === 1 && lateMs > LATE_SECONDS * SECOND_MS);

  const end = await endOf(run, attempt, { clock, call, observer }, deadline);
  const endedAt = clock.now();
  observer.ended(run, end, endedAt - now);
  // When this cannot be written, the error ends the invocation, and the keeper finds the attempt without an end.
  if (!(await table.end(run, end, endedAt))) observer.tooLate();
  return end;
}

async function endOf(
  run: Run,
  { retries }: Attempt,
  { clock, call, observer }: Pick<AttemptPorts, "clock" | "call" | "observer">,
  deadline: number,
): Promise<AttemptEnd> {
  const controller = new AbortController();
  const cancel = clock.after(Math.max(0, deadline - ABORT_SECONDS * SECOND_MS - clock.now()), () => {
    controller.abort(new RunTimeoutError(`the function's timeout is in ${ABORT_SECONDS} seconds`));
  });
  try {
    const { schedule, scheduledAt, attempt, input } = run;
    const event: ScheduledRun = {
      schedule,
      scheduledAt: new Date(scheduledAt),
      runId: runIdOf(run),
      attempt,
      input: input === undefined ? undefined : parseJson(input),
    };
    return { outcome: "succeeded", ...resultOf(await call(event, controller.signal)) };
  } catch (thrown) {
    const error = withoutContent(thrown);
    observer.failed(error);
    return { reason: reasonOf(error), ...failureOf(run, retries, clock.now()) };
  } finally {
    cancel();
  }
}

/** What of a result is kept. A result that cannot be kept does not fail the run: its work is done. */
function resultOf(value: unknown): { readonly result?: string; readonly resultNote?: string } {
  if (value === undefined) return {};
  const lost: string[] = [];
  let json: unknown;
  try {
    json = JSON.stringify(value, (name, part: unknown) => {
      if (isJson(part)) return part;
      lost.push(name === "" ? "all of it" : name);
      return undefined;
    });
  } catch (error) {
    return {
      resultNote: `the result is not JSON (${noted(errorMessage(error))}) and is not kept`,
    };
  }
  const cut = lost.length === 0 ? "" : `what is not JSON is not kept: ${noted(lost.join(", "))}`;
  if (typeof json !== "string") return { resultNote: `the result is not JSON and is not kept` };
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_RESULT_BYTES) return { result: json, ...(cut !== "" && { resultNote: cut }) };
  const note = `the result has ${bytes} bytes: only the first ${MAX_RESULT_BYTES} are kept, as text`;
  return {
    result: truncateBytes(json, MAX_RESULT_BYTES),
    resultNote: cut === "" ? note : `${note}; ${cut}`,
  };
}

const MAX_NOTE_BYTES = 200;

/** What is the handler's may have any character, half of a surrogate pair as well, which DynamoDB refuses. */
const noted = (text: string): string => truncateBytes(visibleLines(text), MAX_NOTE_BYTES);

/** Whether JSON has it, or, for a part that is undefined, has nothing in its place as the result does. */
function isJson(part: unknown): boolean {
  if (typeof part === "number") return Number.isFinite(part);
  if (typeof part !== "object" || part === null) return !["bigint", "function", "symbol"].includes(typeof part);
  return Array.isArray(part) || Object.prototype.toString.call(part) === "[object Object]";
}

/** An error as one text. */
function reasonOf(error: unknown): string {
  const name = errorName(error);
  const text = `${name === "" || name === "Error" ? "" : `${name}: `}${errorMessage(error)}`;
  return truncateBytes(visibleLines(text), MAX_RESULT_BYTES);
}
