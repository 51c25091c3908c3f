/** Keeps the records of runs true: an execution that was stopped, or timed out, does not record its end itself. */
import { errorMessage } from "../../shared/errors";
import { MINUTE_MS } from "../../shared/time";
import type { Failure } from "../contract";
import { failureOf, type ExecutionEnd } from "./executions";

/** An export whose run's record says RUNNING. */
export interface RunningExport {
  readonly exportId: string;
  readonly execution: string;
  /** When the execution claimed it, epoch milliseconds. */
  readonly since: number;
}

export interface ReconcilePorts {
  readonly runningExports: (onUnreadable: (exportId: string) => void) => Promise<readonly RunningExport[]>;
  /** `unknown`: Step Functions does not know the execution. */
  readonly endOf: (execution: string) => Promise<ExecutionEnd | "running" | "unknown">;
  readonly fail: (exportId: string, execution: string, failure: Failure) => Promise<"recorded" | "repeated" | "none">;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Reads of executions are eventually consistent: a younger one that is unknown may exist all the same. */
const UNKNOWN_AFTER_MS = 15 * MINUTE_MS;

/**
 * Idempotent. One export that fails does not stop the others.
 *
 * @param execution only its run. @default all runs
 */
export async function recordEnds(
  { runningExports, endOf, fail, now }: ReconcilePorts,
  execution?: string,
): Promise<{ readonly recorded: readonly string[]; readonly failures: readonly string[] }> {
  const recorded: string[] = [];
  const failures: string[] = [];
  const onUnreadable = (exportId: string): void =>
    void failures.push(`${exportId}: the row that says that it runs cannot be read`);
  for (const running of await runningExports(onUnreadable)) {
    if (execution !== undefined && running.execution !== execution) continue;
    try {
      const end = await endOf(running.execution);
      const isGone = end === "unknown" && now() - running.since >= UNKNOWN_AFTER_MS;
      if (end === "running" || (end === "unknown" && !isGone)) continue;
      const failure = failureOf(running.execution, end === "unknown" ? GONE : end);
      if ((await fail(running.exportId, running.execution, failure)) === "recorded") recorded.push(running.exportId);
    } catch (error) {
      failures.push(`${running.exportId}: ${errorMessage(error)}`);
    }
  }
  return { recorded, failures };
}

const GONE: ExecutionEnd = { status: "ABORTED", error: undefined, cause: "its execution no longer exists" };
