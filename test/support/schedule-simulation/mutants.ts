/** Mutants of schedules: one text of the source replaced by another. Some world must detect each. */
import type { SourceMutant } from "../simulation/source-mutants";

const PLAN = "functions/schedules/plan/plan.ts";
const RETRY = "functions/schedules/plan/end-attempt.ts";
const KEEPER = "functions/schedules/keeper/keep-schedules.ts";
const CHECK = "functions/heartbeats/monitors/check-result.ts";
const TABLE = "functions/schedules/storage/runs-table.ts";

export const MUTANTS: readonly SourceMutant[] = [
  {
    name: "looks at the last five minutes only",
    file: PLAN,
    from: "Math.max(state.cursor, oldest)",
    to: "Math.max(state.cursor, now - 5 * MINUTE_MS)",
  },
  { name: "ignores jitter", file: PLAN, from: "if (run.dueAt > now) break;", to: "" },
  {
    name: "skips an instant whose jitter is not over",
    file: PLAN,
    from: "if (run.dueAt > now) break;",
    to: "if (run.dueAt > now) continue;",
  },
  {
    name: "moves the cursor to now",
    file: PLAN,
    from: "planned.at(-1)?.scheduledAt ?? (isChanged ? after : undefined) }",
    to: "now }",
  },
  {
    name: "lets runs overlap",
    file: PLAN,
    from: 'if (overlap === "allow") return',
    to: "if (overlap.length > 0) return",
  },
  { name: "skips although runs may wait", file: PLAN, from: 'overlap === "skip" && !isLate', to: "!isLate" },
  {
    name: "never repeats an invocation",
    file: PLAN,
    from: "now - invokedAt >= REPEAT_INVOCATION_MS;\n  const byTime",
    to: "invokedAt === -Infinity;\n  const byTime",
  },
  {
    name: "gives up no attempt that was killed",
    file: PLAN,
    from: "now > deadline + DEADLINE_GRACE_MS",
    to: "now > deadline + 1e12",
  },
  {
    name: "gives up attempts that still run",
    file: PLAN,
    from: "now > deadline + DEADLINE_GRACE_MS",
    to: "now > deadline - 150_000",
  },
  {
    name: "catches up nothing",
    file: PLAN,
    from: 'catchUp === "none" || (catchUp === "latest" && !isLatest)',
    to: "now > 0",
  },
  {
    name: "catches up all",
    file: PLAN,
    from: 'catchUp === "none" || (catchUp === "latest" && !isLatest)',
    to: "now < 0",
  },
  {
    name: "catches up any as the latest",
    file: PLAN,
    from: "isLatest: index === due.length - 1",
    to: "isLatest: index === 0",
  },
  {
    name: "runs the latest waiting run first",
    file: PLAN,
    from: "a.scheduledAt - b.scheduledAt",
    to: "b.scheduledAt - a.scheduledAt",
  },
  { name: "retries once too often", file: RETRY, from: "attempt > count ||", to: "attempt > count + 1 ||" },
  { name: "retries with the number of the failed attempt", file: RETRY, from: "attempt: attempt + 1", to: "attempt" },
  {
    name: "moves the cursor before there are rows",
    file: KEEPER,
    from: "const created = await mapConcurrently(plan.created, CONCURRENT_ROWS, (run) => table.create(run));",
    to: "const created = plan.created; setTimeout(() => created.forEach((run) => void table.create(run).catch(() => 0)), 0);",
  },
  {
    name: "forgets to follow what it has created",
    file: KEEPER,
    from: "const opened = created.filter(isFollowed).map(({ run }) => run);",
    to: "const opened: string[] = [];",
  },
  {
    name: "closes what it has invoked",
    file: KEEPER,
    from: "if (isReported && plan.closed.length > 0) await table.close(name, plan.closed);",
    to: "if (invoked.length > 0) await table.close(name, invoked.map(({ run }) => run));",
  },
  { name: "lets one run a tick begin", file: KEEPER, from: "return waits;", to: "return false;" },
  {
    name: "lets every delivery begin",
    file: TABLE,
    from: "attempt = :attempt AND (outcome IN (:queued, :retrying) OR outcome = :running AND #owner = :owner)",
    to: "attempt = :attempt AND (outcome IN (:queued, :retrying, :running) OR #owner = :owner)",
  },
  {
    name: "lets a late delivery of an earlier attempt begin",
    file: TABLE,
    from: "attempt = :attempt AND (outcome IN (:queued, :retrying) OR outcome = :running",
    to: ":attempt = :attempt AND (outcome IN (:queued, :retrying) OR outcome = :running",
  },
  {
    name: "creates a row again",
    file: TABLE,
    from: 'const ConditionExpression = "attribute_not_exists(schedule)";',
    to: 'const ConditionExpression = "NOT attribute_exists(nothing)";',
  },
  {
    name: "does not report missed runs",
    file: KEEPER,
    from: '|| (monitors !== undefined && run.outcome === "missed")',
    to: "",
  },
  {
    name: "does not report what Lambda has ended",
    file: PLAN,
    from: '...gone.map(({ run }): Run => ({ ...run, outcome: "failed", endedAt: now })),',
    to: "",
  },
  {
    name: "never expects a run anew",
    file: KEEPER,
    from: "if (state?.expectedBefore === expectedBefore) return;",
    to: "if (state?.expectedBefore !== undefined) return;",
  },
  {
    name: "hides a failure that a success has followed",
    file: CHECK,
    from: "(isNew || hasFailed(job))",
    to: "hasFailed(job)",
  },
  {
    name: "shows a failure for ever",
    file: CHECK,
    from: "(isNew || hasFailed(job))",
    to: "(isNew || !hasFailed(job))",
  },
];
