/** Faulty changes of workflows' source, each of which some world detects. */
import type { SourceMutant } from "../simulation/source-mutants";

const LIFECYCLE = "functions/workflows/task/lifecycle.ts";
const DECIDE = "functions/workflows/task/decide.ts";
const REDRIVE = "functions/workflows/task/redrive.ts";
const RECONCILER = "functions/workflows/task/reconciler.ts";
const SWEEP = "functions/workflows/task/sweep.ts";
const TABLE = "functions/workflows/task/task-table.ts";
const TASK = "functions/workflows/task/task.ts";
const RECORD = "modules/workflows/record.ts";
const OWN_MACHINE = "modules/workflows/own-machine.ts";

export const MUTANTS: readonly SourceMutant[] = [
  // --- starts ---
  {
    name: "answers a repeated start with its own time",
    file: LIFECYCLE,
    from: "return { taskId, timestamp: first.timestamp,",
    to: "return { taskId, timestamp,",
  },
  {
    name: "ignores that the input is another one",
    file: LIFECYCLE,
    from: "if (first.inputHash !== inputHash)",
    to: "if (first.inputHash === undefined)",
  },
  {
    name: "does not record the input's hash",
    file: LIFECYCLE,
    from: "...(input !== undefined && { input, inputHash }) };",
    to: "...(input !== undefined && { input }) };",
  },
  {
    name: "answers a start before Step Functions has accepted it",
    file: LIFECYCLE,
    from: "const started = await executions.start(name, JSON.stringify(taskInput));",
    to: "const started = { arn: executions.arnOf(name), startedAt: clock.now() }; void executions.start(name, JSON.stringify(taskInput)).catch(() => undefined);",
  },

  // --- cancellations ---
  {
    name: "stops a task once, though its redrive does not run yet",
    file: LIFECYCLE,
    from: "await executions.stop(task.executionArn, CANCELLED);",
    to: "if (latest === undefined) await executions.stop(task.executionArn, CANCELLED);",
  },

  // --- decisions ---
  {
    name: "records a decision before the state has accepted it",
    file: DECIDE,
    from: "const outcome: StateOutcome =",
    to: "await table.writeDecision(row, token, { decision, decidedAt: at, decidedBy: by, comment });\n  const outcome: StateOutcome =",
  },
  {
    name: "believes that every state accepts its decision",
    file: DECIDE,
    from: "(await executions.complete(token, outcome))",
    to: "((await executions.complete(token, outcome)) || by !== '')",
  },
  {
    name: "answers another decision as if it were the same",
    file: DECIDE,
    from: "if (approval?.decision === decision) return taskOf(row);",
    to: "if (approval?.decision !== undefined) return taskOf(row);",
  },
  {
    name: "does not record decisions",
    file: DECIDE,
    from: "await table.writeDecision(row, token, { decision, decidedAt: at, decidedBy: by, comment });",
    to: "",
  },
  {
    name: "rejects what is approved",
    file: DECIDE,
    from: 'decision === "approved" ? { output } :',
    to: 'decision === "approved" && comment !== "" ? { output } :',
  },
  {
    name: "records a decision only while the machine waits",
    file: TABLE,
    from: "ConditionExpression: `approvals[${index}].#token = :token`,",
    to: "ConditionExpression: `approvals[${index}].#token = :token AND attribute_not_exists(approvals[${index + 1}])`,",
  },
  {
    name: "overwrites the approvals that the machine has added",
    file: TABLE,
    from: "UpdateExpression: `SET approvals[${index}] = :approval`,",
    to: "UpdateExpression: `SET approvals[0] = :approval`,",
  },

  // --- redrives ---
  {
    name: "redrives before the row is STARTED",
    file: REDRIVE,
    from: 'const endedAt = row.status === "STARTED" ? (row.redrivenAfter ?? 0) : await mark(row, execution, ports);',
    to: "await executions.redrive(row.executionArn, '').catch(() => undefined);\n  const endedAt = row.status === \"STARTED\" ? (row.redrivenAfter ?? 0) : await mark(row, execution, ports);",
  },
  {
    name: "does not mark the row of a redrive",
    file: REDRIVE,
    from: ": await mark(row, execution, ports);",
    to: ": Date.parse(row.startDate);",
  },
  {
    name: "takes a repeated redrive for a refused one",
    file: REDRIVE,
    from: "String(endedAt)",
    to: "String(Math.random())",
  },
  {
    name: "leaves the row of a refused redrive STARTED",
    file: REDRIVE,
    from: "await table.writeEnd(row, execution, { ...(lastEndOf(row) ?? end), at: Math.max(clock.now(), endedAt + 1) });",
    to: "",
  },
  {
    name: "keeps the expiry of a redriven row",
    file: TABLE,
    from: "redrivenAfter = :endedAt REMOVE reason, #ttl",
    to: "redrivenAfter = :endedAt REMOVE reason",
  },
  {
    name: "lets an earlier end return",
    file: TABLE,
    from: "(attribute_not_exists(redrivenAfter) OR redrivenAfter < :endedAt)",
    to: "(attribute_not_exists(redrivenAfter) OR redrivenAfter <= :endedAt)",
  },
  {
    name: "never ends a redrive that did not happen",
    file: SWEEP,
    from: "return isOver && wasGivenTime ?",
    to: "return isOver && wasGivenTime && clock.now() < 0 ?",
  },
  {
    name: "ends a redrive that is about to happen",
    file: SWEEP,
    from: "const wasGivenTime = row !== undefined && lastStartOf(row) < clock.now() - MISSING_AFTER_MS;",
    to: "const wasGivenTime = row !== undefined;",
  },

  // --- the reconciler ---
  {
    name: "drops an event whose end cannot be read yet",
    file: RECONCILER,
    from: 'throw new ExecutionNotSettledError("its end cannot be read yet");',
    to: 'return "running";',
  },
  {
    name: "writes nothing for an end event",
    file: RECONCILER,
    from: "return reconcile(execution, table);",
    to: 'return "unchanged";',
  },
  {
    name: "overwrites an end",
    file: TABLE,
    from: '"attribute_not_exists(#status) OR #status = :running AND executionArn = :arn " +',
    to: '"attribute_not_exists(#status) OR executionArn = :arn " +',
  },
  {
    name: "writes the end of an execution into the row of another",
    file: TABLE,
    from: '"attribute_not_exists(#status) OR #status = :running AND executionArn = :arn " +',
    to: '"attribute_not_exists(#status) OR #status = :running " +',
  },
  {
    name: "creates no missing row",
    file: TABLE,
    from: '"attribute_not_exists(#status) OR #status = :running AND',
    to: '"#status = :running AND',
  },
  {
    name: "lets rows expire from their start",
    file: TABLE,
    from: '":ttl": Math.floor(end.at / 1_000) + keepDays * DAY_SECONDS,',
    to: '":ttl": Math.floor(startedAt / 1_000) + keepDays * DAY_SECONDS,',
  },
  {
    name: "takes every failure for a timeout",
    file: TASK,
    from: "return error === WORK_TIMED_OUT",
    to: "return error !== ''",
  },
  {
    name: "takes a stopped execution for one that runs",
    file: TASK,
    from: 'return { status: "ABORTED", at, reason };',
    to: "return undefined;",
  },

  // --- the sweep ---
  {
    name: "sweeps no row",
    file: SWEEP,
    from: "rows.filter((row) => !running.has(row.executionArn) && isSettled(row));",
    to: "rows.slice(0, 0).filter(isSettled);",
  },
  {
    name: "sweeps no execution without a row",
    file: SWEEP,
    from: "...(orphans ?? [])]",
    to: "...(orphans ?? []).slice(0, 0)]",
  },
  {
    name: "believes that an execution that cannot be read is gone",
    file: SWEEP,
    from: "if (row === undefined || startedAtOf(row) > clock.now() - MISSING_AFTER_MS)",
    to: "if (row === undefined)",
  },
  {
    name: "ends its sweep at the first failure",
    file: SWEEP,
    from: "failures.push(`${arn}: ${errorMessage(error)}`);",
    to: "throw error;",
  },

  // --- the machines ---
  {
    name: "starts a task again over its end",
    file: RECORD,
    from: "attribute_not_exists(#status) OR ${OWN} AND ${HAS_NO_END}",
    to: "attribute_not_exists(#status) OR ${OWN} OR ${HAS_NO_END}",
  },
  {
    name: "fails when its first write is repeated",
    file: RECORD,
    from: "attribute_not_exists(#status) OR ${OWN} AND ${HAS_NO_END}",
    to: "attribute_not_exists(#status) AND ${HAS_NO_END}",
  },
  {
    name: "loses the history of a redriven task",
    file: RECORD,
    from: "#history = if_not_exists(#history, :history)",
    to: "#history = :history",
  },
  {
    name: "records DONE over the end of a stopped execution",
    file: OWN_MACHINE,
    from: "ConditionExpression: `${OWN} AND ${HAS_NO_END}`,",
    to: "ConditionExpression: `${OWN} OR ${HAS_NO_END}`,",
  },
  {
    name: "fails when its last write is repeated",
    file: OWN_MACHINE,
    from: '{ ErrorEquals: ["DynamoDB.ConditionalCheckFailedException"], Output: RESULT, Next: "Recorded" },',
    to: '{ ErrorEquals: ["Never"], Output: RESULT, Next: "Recorded" },',
  },
  {
    name: "lets a row that is DONE expire at once",
    file: OWN_MACHINE,
    from: '":ttl": expiry({ keepDays }),',
    to: '":ttl": expiry({ keepDays: 0 }),',
  },
  {
    name: "keeps the end of before a redrive that it has not seen",
    file: RECORD,
    from: '"(#status = :started OR #status <> :done AND #ttl <= :redriven)"',
    to: '"(#status = :started OR :done = :redriven AND #ttl <= :redriven)"',
  },
  {
    name: "records DONE twice after a redrive",
    file: RECORD,
    from: "OR #status <> :done AND #ttl <= :redriven)",
    to: "OR :done <> :redriven AND #ttl <= :redriven)",
  },
];
