/** Decides approvals: ends the state of a task that waits for a person. */
import * as z from "zod";

import type { Clock } from "../../shared/clock";
import { ConflictError } from "../../shared/handlers/http-errors";
import { parseJson } from "../../shared/input";
import { DECISIONS, REJECTED, type Approval, type Decision, type Task, type TaskRow } from "../contract";
import type { Executions, StateEnd, StateOutcome } from "./executions";
import { eventually } from "./lifecycle";
import { taskOf } from "./task";
import { requireRow, type RecordedDecision, type TaskTable } from "./task-table";

type TokenApproval = NonNullable<TaskRow["approvals"]>[number];

export interface DecidePorts {
  readonly table: Pick<TaskTable, "read" | "writeDecision">;
  readonly executions: Pick<Executions, "complete" | "endOf">;
  readonly clock: Clock;
}

export interface Decided {
  readonly decision: Decision;
  /** Who decides: an ARN. */
  readonly by: string;
  readonly comment?: string | undefined;
  /** Only an approval of this state. @default the only one that has asked */
  readonly state?: string | undefined;
  /** Only the one that was requested then. @default the last one of the state */
  readonly requestedAt?: string | undefined;
}

/**
 * Idempotent. Step Functions accepts one decision; the row has it afterwards. When it accepted one whose response, or record, was lost, the
 * execution's history says which, and by whom.
 *
 * @throws {@link NotFoundError}
 * @throws {@link ConflictError} when the task has no such approval, it has expired, was decided otherwise, or could be of several states:
 * a request that is repeated must not decide the next one
 */
export async function decide(
  taskId: string,
  decided: Decided,
  { table, executions, clock }: DecidePorts,
): Promise<Task> {
  const { decision, by, comment = "" } = decided;
  const row = await requireRow(table, taskId);
  const waiting = approvalOf(row, decided);
  const { token } = waiting;
  if (waiting.decision !== undefined) return earlier(row, token, decision);
  const at = new Date(clock.now()).toISOString();
  const output = { state: waiting.state, decision, by, at, comment };
  const outcome: StateOutcome = decision === "approved" ? { output } : { error: REJECTED, cause: causeOf(by, comment) };
  if (row.status === "STARTED" && (await executions.complete(token, outcome))) {
    await table.writeDecision(row, token, { decision, decidedAt: at, decidedBy: by, comment });
    return taskOf(await requireRow(table, taskId));
  }
  const end = await eventually(clock, () => executions.endOf(row.executionArn, token));
  const accepted = end && acceptedDecision(end);
  if (accepted !== undefined) await table.writeDecision(row, token, accepted);
  return earlier(await requireRow(table, taskId), token, decision);
}

function approvalOf({ approvals = [] }: TaskRow, { state, requestedAt }: Decided): TokenApproval {
  const meant = approvals.filter(
    (approval) =>
      (state === undefined || approval.state === state) &&
      (requestedAt === undefined || approval.requestedAt === requestedAt),
  );
  const [waiting] = meant.slice(-1);
  if (waiting === undefined)
    throw new ConflictError(`the task does not wait for an approval${state === undefined ? "" : ` of ${state}`}`);
  const states = new Set(meant.map((approval) => approval.state));
  if (states.size > 1)
    throw new ConflictError(`several states have asked for an approval, name one: ${[...states].join(", ")}`);
  return waiting;
}

/** The task, when it was decided the same way. */
function earlier(row: TaskRow, token: string, decision: Decision): Task {
  const approval: Approval | undefined = row.approvals?.find((each) => each.token === token);
  if (approval?.decision === decision) return taskOf(row);
  throw new ConflictError(
    approval?.decision === undefined
      ? "the approval has expired, its task has ended, or it was decided a moment ago"
      : `the task was ${approval.decision} at ${approval.decidedAt ?? "an unknown time"}`,
  );
}

/** Of a rejection: `no receipt (by arn:aws:iam::111122223333:user/ann)`, or `by arn:...`. */
const causeOf = (by: string, comment: string): string => (comment === "" ? `by ${by}` : `${comment} (by ${by})`);
const CAUSE = /^(?:by (?<only>\S+)|(?<comment>.+) \(by (?<by>\S+)\))$/s;

const outputSchema = z.looseObject({
  decision: z.enum(DECISIONS),
  by: z.string(),
  at: z.string(),
  comment: z.string().default(""),
});

/** Undefined for an end that is no decision: the state has expired, or another program ended it. */
function acceptedDecision({ at, output, error, cause = "" }: StateEnd): RecordedDecision | undefined {
  if (error === REJECTED) {
    const { only, comment = "", by = only } = CAUSE.exec(cause)?.groups ?? {};
    return by === undefined
      ? undefined
      : { decision: "rejected", decidedAt: new Date(at).toISOString(), decidedBy: by, comment };
  }
  const { data } = outputSchema.safeParse(output === undefined ? undefined : parsed(output));
  return data && { decision: data.decision, decidedAt: data.at, decidedBy: data.by, comment: data.comment };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined; // of another program
  }
}
