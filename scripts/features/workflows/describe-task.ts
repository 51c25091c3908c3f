/** Describes tasks for people. */
import type { Colors } from "picocolors/types";
import { MINUTE_SECONDS } from "../../../functions/shared/time";
import type { Approval, Task, TaskStatus } from "../../../functions/workflows/contract";
import { plainText } from "../../shared/terminal/plain-text";
import { table } from "../../shared/terminal/table";

/** A task with its history, one line each. */
export function describeTask(task: Task, colours: Colors): string {
  return [
    `${plainText(task.taskId)}  ${colouredStatus(task.status, colours)}`,
    ...task.history.map((moment, index) => describeMoment(moment, task.history[index - 1], colours)),
    ...(task.approvals ?? []).map((approval) => describeApproval(approval)),
    colours.dim(`  ${plainText(task.executionArn)}`),
  ].join("\n");
}

function describeApproval({ state, requestedAt, decision, decidedAt, decidedBy, comment = "" }: Approval): string {
  if (decision === undefined) return `  ${requestedAt}  ${plainText(state)} asks for approval`;
  return `  ${decidedAt ?? ""}  ${plainText(state)} ${decision} by ${plainText(decidedBy ?? "")}${comment === "" ? "" : `: ${plainText(comment)}`}`;
}

/** An entry of a history: time, duration since the previous one, reason. */
export function describeMoment(
  { status, at, reason }: Task["history"][number],
  before: Task["history"][number] | undefined,
  colours: Colors,
): string {
  const later = before === undefined ? "" : `  after ${seconds(Date.parse(at) - Date.parse(before.at))}`;
  return `  ${at}  ${colouredStatus(status, colours)}${later}${reason === undefined ? "" : `  ${plainText(reason)}`}`;
}

/** A table of tasks, the latest first. */
export function describeTasks(tasks: readonly Task[], status: TaskStatus, colours: Colors): string {
  if (tasks.length === 0) return `no task is ${status}`;
  return table(
    ["task", "status", "started", "ended", "reason"],
    tasks.map(({ taskId, status: own, history, reason }) => [
      taskId,
      colouredStatus(own, colours),
      history[0]?.at ?? "",
      own === "STARTED" ? "" : (history.at(-1)?.at ?? ""),
      plainText(reason ?? ""),
    ]),
  );
}

function colouredStatus(status: TaskStatus, colours: Colors): string {
  if (status === "STARTED") return colours.cyan(status);
  return status === "DONE" ? colours.green(status) : colours.red(status);
}

/** `0.4 s`, `12 s`, `3 min 20 s` */
function seconds(milliseconds: number): string {
  const whole = Math.round(milliseconds / 1_000);
  if (milliseconds < 10_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return whole < MINUTE_SECONDS
    ? `${whole} s`
    : `${Math.floor(whole / MINUTE_SECONDS)} min ${whole % MINUTE_SECONDS} s`;
}
