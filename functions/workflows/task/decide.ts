/** Decides approvals: ends the state of a task that waits for a person. */
import type { Clock } from "../../shared/clock";
import { ConflictError } from "../../shared/handlers/http-errors";
import { REJECTED, type Decision, type Task, type TaskRow } from "../contract";
import type { Executions, StateOutcome } from "./executions";
import { taskOf } from "./task";
import { requireRow, type TaskTable } from "./task-table";

export interface DecidePorts {
  readonly table: Pick<TaskTable, "read" | "writeDecision">;
  readonly executions: Pick<Executions, "complete">;
  readonly clock: Clock;
}

export interface Decided {
  readonly decision: Decision;
  /** Who decides: an ARN. */
  readonly by: string;
  readonly comment?: string | undefined;
  /** Only an approval of this state. @default the last one */
  readonly state?: string | undefined;
}

/**
 * Idempotent. Step Functions accepts one decision; the row has it afterwards.
 *
 * @throws {@link NotFoundError}
 * @throws {@link ConflictError} when the task does not wait, waits in another state, or was decided otherwise
 */
export async function decide(
  taskId: string,
  decided: Decided,
  { table, executions, clock }: DecidePorts,
): Promise<Task> {
  const { decision, by, comment = "", state } = decided;
  const row = await requireRow(table, taskId);
  const waiting = row.approvals?.at(-1);
  if (waiting === undefined || (state !== undefined && waiting.state !== state))
    throw new ConflictError(`the task does not wait for an approval${state === undefined ? "" : ` of ${state}`}`);
  if (waiting.decision !== undefined || row.status !== "STARTED") return earlier(row, decision);
  const at = new Date(clock.now()).toISOString();
  const output = { state: waiting.state, decision, by, at, comment };
  const rejection = { error: REJECTED, cause: comment === "" ? `by ${by}` : comment };
  const outcome: StateOutcome = decision === "approved" ? { output } : rejection;
  if (!(await executions.complete(waiting.token, outcome))) return earlier(await requireRow(table, taskId), decision);
  await table.writeDecision(row, { decision, decidedAt: at, decidedBy: by, comment });
  return taskOf(await requireRow(table, taskId));
}

/** The task, when it was decided the same way. */
function earlier(row: TaskRow, decision: Decision): Task {
  const last = row.approvals?.at(-1);
  if (last?.decision === decision) return taskOf(row);
  throw new ConflictError(
    last?.decision === undefined
      ? "the approval has expired, its task has ended, or it was decided a moment ago"
      : `the task was ${last.decision} at ${last.decidedAt ?? "an unknown time"}`,
  );
}
