/** What holds in a world of workflows, however it went. */
import * as z from "zod";
import { groupBy } from "../../../functions/shared/group-by";
import { DAY_SECONDS, SECOND_MS } from "../../../functions/shared/time";
import { taskRowSchema, type Task, type TaskStatus } from "../../../functions/workflows/contract";
import type { StateOutcome } from "../../../functions/workflows/task/executions";
import type { StartedTask } from "../../../functions/workflows/task/lifecycle";
import { taskInputOf } from "../../../functions/workflows/task/task";
import type { FakeExecutions } from "../fake-executions";

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

export const rowVersionSchema = taskRowSchema.extend({ ttl: z.number().optional() });
export type RowVersion = z.output<typeof rowVersionSchema>;

/** What the world's observers saw. */
export interface Observed {
  readonly executions: FakeExecutions;
  /** Each version of each row, by task and timestamp. */
  readonly versions: ReadonlyMap<string, readonly RowVersion[]>;
  /** The last end that the machine wrote itself, by task and timestamp. */
  readonly machineEnds: ReadonlyMap<string, TaskStatus>;
  /** By task and input: the responses of successful starts. */
  readonly starts: ReadonlyMap<string, readonly StartedTask[]>;
  /** Starts that were refused, by task and input. */
  readonly refused: ReadonlySet<string>;
  /** What a waiting state accepted, by token. */
  readonly outcomes: ReadonlyMap<string, readonly StateOutcome[]>;
  /** Decisions that were answered with 200. */
  readonly decisions: readonly { readonly task: Task; readonly decision: string; readonly by: string }[];
  /** Errors that no caller expects. */
  readonly unexpected: readonly string[];
}

export const rowKeyOf = ({ taskId, timestamp }: Pick<Task, "taskId" | "timestamp">) => `${taskId} ${timestamp}`;

export function brokenInvariants(observed: Observed): readonly Violation[] {
  return [
    ...observed.unexpected.map((detail) => ({ invariant: "no unexpected error", detail })),
    ...rowsAreTrue(observed),
    ...[...observed.versions.values()].flatMap((versions) => [...rowsGoForward(versions, observed)]),
    ...startsAreIdempotent(observed),
    ...decisionsAreKept(observed),
  ];
}

/** The status of a task, as the documentation has it: not by the code that is tested. */
const STATUS_OF = { SUCCEEDED: "DONE", TIMED_OUT: "TIMED_OUT", ABORTED: "ABORTED", FAILED: "FAILED" } as const;

/** Each task has a row, which has the end of its execution. */
function* rowsAreTrue({ executions, versions, machineEnds }: Observed): Iterable<Violation> {
  const invariant = "a row has its execution's end";
  const arns = groupBy(executions.arns(), (arn) => {
    const input = taskInputOf(executions.now(arn));
    return input && rowKeyOf(input);
  });
  for (const [key, ofTask] of arns) {
    if (key === undefined) continue;
    const row = versions.get(key)?.at(-1);
    if (row === undefined || !ofTask.includes(row.executionArn)) {
      yield { invariant, detail: `${key} has no row` };
      continue;
    }
    const { status, error, cause, stoppedAt } = executions.now(row.executionArn);
    if (status === "RUNNING" || status === "PENDING_REDRIVE" || stoppedAt === undefined) {
      yield { invariant, detail: `${key} still runs` };
      continue;
    }
    const expected = status === "FAILED" && error === "TaskTimedOut" ? "TIMED_OUT" : STATUS_OF[status];
    // The first end stays: the execution was stopped while its machine wrote another.
    if (row.status !== expected && row.status !== machineEnds.get(key))
      yield { invariant, detail: `${key} is ${row.status}, its execution ${expected}` };
    if (row.status !== "DONE" && (row.reason ?? "") === "") yield { invariant, detail: `${key} has no reason` };
    if (error?.includes("ConditionalCheckFailed") === true && ofTask.length === 1)
      yield { invariant: "no task fails for its own row", detail: `${key}: ${error} ${cause}` };
  }
  for (const key of versions.keys()) if (!arns.has(key)) yield { invariant: "no row without a task", detail: key };
}

/** STARTED, an end, and only by a redrive STARTED again, or another end. */
function* rowsGoForward(versions: readonly RowVersion[], { executions }: Observed): Iterable<Violation> {
  const invariant = "a row goes forward";
  for (const [index, row] of versions.entries()) {
    const key = rowKeyOf(row);
    const last = row.history.at(-1);
    const before = versions[index - 1];
    if (last?.status !== row.status) yield { invariant, detail: `${key} is ${row.status}, its history is not` };
    if ((row.ttl === undefined) !== (row.status === "STARTED"))
      yield { invariant: "a row expires after its end", detail: `${key} is ${row.status} with ttl ${row.ttl}` };
    const expires = Date.parse(last?.at ?? "") / SECOND_MS + 90 * DAY_SECONDS;
    if (row.ttl !== undefined && Math.abs(row.ttl - expires) > 60)
      yield { invariant: "a row expires after its end", detail: `${key}: ${row.ttl} is not ${expires}` };
    if (row.status !== "STARTED" && Date.parse(last?.at ?? "") <= (row.redrivenAfter ?? 0))
      yield { invariant: "an earlier end does not return", detail: `${key}: ${last?.at}` };
    if (before === undefined) continue;
    const [earlier, later] = [before.history, row.history].map((history) => JSON.stringify(history).slice(0, -1));
    if (!later?.startsWith(earlier ?? "")) yield { invariant, detail: `${key} lost history: ${earlier} -> ${later}` };
    if (before.history.length === row.history.length) continue;
    const [earlierEnd = NaN, end = NaN] = [before, row].map(({ history }) => Date.parse(history.at(-1)?.at ?? ""));
    const isRedriven = executions
      .redrivesOf(row.executionArn)
      .some((at) => at >= Math.floor(earlierEnd / SECOND_MS) * SECOND_MS && at <= end);
    if (before.status !== "STARTED" && row.status !== "STARTED" && !isRedriven)
      yield { invariant, detail: `${key} was ${before.status} and is ${row.status} without a redrive` };
    if (before.status === "DONE" || (before.status === "STARTED" && row.status === "STARTED"))
      yield { invariant, detail: `${key} was ${before.status} and is ${row.status}` };
    if (before.status !== "STARTED" && row.status === "STARTED" && row.redrivenAfter === undefined)
      yield { invariant, detail: `${key} is STARTED again without a redrive` };
  }
}

/** All requests of a task have one response, and another input has none. */
function* startsAreIdempotent({ starts, versions, refused }: Observed): Iterable<Violation> {
  const invariant = "one task a start";
  const inputs = new Map<string, string>();
  for (const [key, responses] of starts) {
    const [first] = responses;
    if (first === undefined) continue;
    if (new Set(responses.map((response) => JSON.stringify(response))).size > 1)
      yield { invariant, detail: `${key}: ${JSON.stringify(responses)}` };
    const other = inputs.get(first.taskId);
    if (other !== undefined) yield { invariant, detail: `${key} and ${other} both started` };
    inputs.set(first.taskId, key);
    if (refused.has(key)) yield { invariant, detail: `${key} was started, and refused` };
    if (!versions.has(rowKeyOf(first))) yield { invariant, detail: `${key} was started and has no row` };
  }
}

/** A state accepts one decision; what is answered and what the row says are that one. */
function* decisionsAreKept({ outcomes, decisions, versions }: Observed): Iterable<Violation> {
  const invariant = "a decision is the machine's";
  for (const [token, accepted] of outcomes)
    if (accepted.length > 1) yield { invariant, detail: `${token} ended ${accepted.length} times` };
  for (const [key, rows] of versions)
    for (const { token, decision, state } of rows.at(-1)?.approvals ?? []) {
      if (decision === undefined) continue;
      const [outcome] = outcomes.get(token) ?? [];
      const accepted = outcome === undefined ? "open" : "output" in outcome ? "approved" : "rejected";
      if (accepted !== decision) yield { invariant, detail: `${key}: ${state} is ${decision}, its state ${accepted}` };
    }
  for (const { task, decision, by } of decisions) {
    const { approvals = [] } = task;
    // Of the same decision again, the answer is the first.
    const answered =
      approvals.find(({ decidedBy }) => decidedBy === by) ??
      approvals.findLast((approval) => approval.decision !== undefined);
    if (answered?.decision !== decision) yield { invariant, detail: `${task.taskId}: answered as ${decision}` };
    const rows = versions.get(rowKeyOf(task));
    const kept = rows?.at(-1)?.approvals?.find(({ requestedAt }) => requestedAt === answered?.requestedAt);
    if (kept?.decision !== decision) yield { invariant, detail: `${task.taskId}: ${decision} is not in its row` };
  }
}
