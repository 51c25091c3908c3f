/**
 * A simulated world of schedules with virtual time and random faults, derived from a seed: the real keeper, attempts and runs table, with
 * DynamoDB, Lambda and EventBridge simulated.
 */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { scheduleResult, type CheckResult } from "../../../functions/heartbeats/monitors/check-result";
import { jobSchema } from "../../../functions/heartbeats/monitors/job";
import { schedulesSchema, type Attempt, type Run, type ScheduleConfig } from "../../../functions/schedules/contract";
import { keepSchedules, type KeeperPorts } from "../../../functions/schedules/keeper/keep-schedules";
import { nextInstant } from "../../../functions/shared/calendar/schedule-expression";
import { runAttempt } from "../../../functions/schedules/run/run-attempt";
import { monitorsTable } from "../../../functions/schedules/storage/monitors-table";
import { runsTable, type DynamoCall } from "../../../functions/schedules/storage/runs-table";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { sleep, type Clock } from "../../../functions/shared/clock";
import { memoryRuns } from "../memory-runs";
import { Random } from "../simulation/random";
import { virtualClock } from "../virtual-clock";

/** Ten zones, each an hour before one of its changes of daylight saving time; and a day without any. */
const BEGINNINGS: readonly (readonly [zone: string, at: string])[] = [
  ["UTC", "2026-11-21T06:00:00Z"],
  ["Europe/Berlin", "2026-10-24T23:30:00Z"],
  ["Europe/Berlin", "2027-03-28T00:00:00Z"],
  ["America/New_York", "2026-11-01T05:00:00Z"],
  ["America/New_York", "2027-03-14T06:00:00Z"],
  ["America/St_Johns", "2026-11-01T03:30:00Z"],
  ["America/Santiago", "2026-09-06T03:00:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T14:30:00Z"],
  ["Australia/Sydney", "2027-04-03T15:00:00Z"],
  ["Pacific/Auckland", "2026-09-26T13:00:00Z"],
  ["Africa/Casablanca", "2027-02-07T01:00:00Z"],
  ["Asia/Beirut", "2026-10-24T20:00:00Z"],
  ["Europe/Dublin", "2027-03-28T00:00:00Z"],
];
const EXPRESSIONS = [
  "rate(1 minute)",
  "rate(5 minutes)",
  "rate(7 minutes)",
  "rate(1 hour)",
  "cron(0/10 * * * ? *)",
  "cron(30 * * * ? *)",
  "cron(0,15,45 0-4 * * ? *)",
];

const LENGTH_MS = 5 * HOUR_MS;

/** No faults in this last part of a world, so that everything ends. */
const RECOVERY_MS = 90 * MINUTE_MS;

/** Heartbeats check this often, at this second. */
const CHECK_MINUTES = 5;
const CHECK_SECOND_MS = 18 * SECOND_MS;

const KEEP_MS = 45 * SECOND_MS;
const TIMEOUT_MS = 3 * MINUTE_MS;

/** Keepers tick at this second of each minute, at the earliest. */
const TICK_SECOND_MS = 17 * SECOND_MS;

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

interface Effect {
  readonly schedule: string;
  readonly run: string;
  readonly attempt: number;
  readonly from: number;
  to: number;
}

class KilledError extends Error {
  override readonly name = "KilledError";
}

export async function runWorld(seed: number): Promise<readonly Violation[]> {
  const random = new Random(seed);
  const [zone, at] = random.of(BEGINNINGS);
  const begin = Date.parse(at) + random.whole(0, 59) * SECOND_MS;
  const clock = virtualClock(begin);
  const schedules = drawSchedules(random, zone);
  const memory = memoryRuns();
  const effects: Effect[] = [];
  const created = new Map<string, number>();
  const events: string[] = [];
  /** By run and attempt. */
  const retriesAt = new Map<string, number>();
  const isFaulty = () => clock.now() < begin + LENGTH_MS - RECOVERY_MS;
  const fault = (probability: number) => isFaulty() && random.chance(probability);
  const pending: Promise<unknown>[] = [];

  /** What the small client does when a response is lost: the call is made again. */
  const unreliable =
    (killed: () => boolean): DynamoCall =>
    async (action, input) => {
      if (fault(0.05)) await sleep(clock, random.whole(100, random.chance(0.2) ? 50_000 : 2_000));
      if (killed()) throw new KilledError("killed");
      if (fault(0.02)) await memory.call(action, input);
      return memory.call(action, input);
    };

  const deliver = async (attempt: Attempt, delayMs: number): Promise<void> => {
    await sleep(clock, delayMs);
    const deadline = clock.now() + TIMEOUT_MS;
    const crash = fault(0.05) ? { at: clock.now() + random.whole(0, TIMEOUT_MS) } : undefined;
    const table = runsTable(
      unreliable(() => clock.now() >= (crash?.at ?? deadline)),
      "runs",
    );
    const run = runAttempt(
      attempt,
      { owner: `${events.length}-${random.next()}`, deadline, log: { group: "g", stream: "s", requestId: "r" } },
      {
        table,
        clock,
        call: async ({ schedule, scheduledAt, attempt: number, runId }) => {
          const effect: Effect = { schedule, run: runId, attempt: number, from: clock.now(), to: Infinity };
          effects.push(effect);
          if (clock.now() < (retriesAt.get(`${runId} ${number}`) ?? 0)) events.push(`before its backoff: ${runId}`);
          if (clock.now() < scheduledAt.getTime()) events.push(`early: ${runId}`);
          const durationMs = drawDuration(random, isFaulty());
          const end = Math.min(crash?.at ?? Infinity, deadline, clock.now() + durationMs);
          await sleep(clock, end - clock.now());
          effect.to = clock.now();
          // Lambda ends it: nothing of it goes on.
          if (end === crash?.at || end === deadline) throw new KilledError("killed");
          if (fault(0.15)) throw new Error("failed");
          return { effect: effects.length };
        },
        observer: {
          duplicate: () => undefined,
          began: () => undefined,
          ended: ({ schedule, run }, end) => {
            if (end.outcome === "retrying") retriesAt.set(`${schedule}/${run} ${end.attempt}`, end.nextAttemptAt);
          },
          failed: () => undefined,
          tooLate: () => events.push("too late"),
        },
      },
    );
    // The write at the end of a killed attempt does not happen: its call is killed as well.
    await run.catch(() => undefined);
  };

  const tick = async (): Promise<void> => {
    const calls = { left: fault(0.1) ? random.whole(0, 25) : Infinity };
    const killed = () => calls.left-- <= 0;
    const table = runsTable(unreliable(killed), "runs");
    const ports: KeeperPorts = {
      table: {
        ...table,
        // By a tick that is killed later, too.
        create: async (planned) => {
          const at = clock.now();
          const run = await table.create(planned);
          const key = `${run.schedule}/${run.run}`;
          if (run.outcome === "queued" && !created.has(key)) created.set(key, at);
          return run;
        },
      },
      monitors: monitorsTable(unreliable(killed), "heartbeats"),
      clock,
      invoke: async (attempt) => {
        if (killed() || fault(0.05)) throw new KilledError("killed");
        await Promise.resolve();
        if (fault(0.03)) return;
        for (let copies = fault(0.1) ? 2 : 1; copies > 0; copies -= 1)
          pending.push(
            deliver(
              attempt,
              fault(0.05) || (copies === 2 && fault(0.5)) ? random.whole(0, 90) * SECOND_MS : random.whole(50, 2_000),
            ),
          );
        if (fault(0.03)) throw new KilledError("the response was lost");
      },
      observer: {
        created: () => undefined,
        lost: () => undefined,
        invoked: () => undefined,
        failed: (_, error) => {
          if (!(error instanceof KilledError)) events.push(`the keeper failed: ${String(error)}`);
        },
      },
    };
    await keepSchedules(schedules, ports, clock.now() + KEEP_MS).catch((error: unknown) => {
      if (!(error instanceof KilledError)) events.push(`the keeper failed: ${String(error)}`);
    });
  };

  const checks = new Map<string, CheckResult[]>(Object.keys(schedules).map((name) => [name, []]));
  const check = (): void => {
    for (const [name, results] of checks) {
      const item = memory.items.get(`schedule/${name}\nheartbeat`);
      const job = jobSchema.parse(item === undefined ? {} : unmarshall(item));
      results.push(scheduleResult(job, results.at(-1)?.at, clock.now()));
    }
  };

  let outageUntil = 0;
  const first = Math.ceil(begin / MINUTE_MS) * MINUTE_MS + TICK_SECOND_MS;
  for (let due = first; due < begin + LENGTH_MS; due += MINUTE_MS) {
    await sleep(clock, due - clock.now());
    if (((due / MINUTE_MS) | 0) % CHECK_MINUTES === 0) pending.push(sleep(clock, CHECK_SECOND_MS).then(check));
    if (fault(0.004)) outageUntil = clock.now() + random.whole(7, 90) * MINUTE_MS;
    if (clock.now() < outageUntil && isFaulty()) continue;
    if (fault(0.05)) continue;
    for (let copies = fault(0.1) ? 2 : 1; copies > 0; copies -= 1) {
      const delay = fault(0.1) ? random.whole(0, 180) * SECOND_MS : random.whole(0, 3_000);
      pending.push(sleep(clock, delay).then(tick));
    }
  }
  await sleep(clock, HOUR_MS / 2);
  await Promise.all(pending);
  const rows = (
    await Promise.all(Object.keys(schedules).map((name) => runsTable(memory.call, "runs").list(name, 10_000)))
  ).flat();
  return violationsOf({
    schedules,
    rows,
    effects,
    created,
    events,
    checks,
    begin,
    end: begin + LENGTH_MS - 3 * MINUTE_MS,
    clock,
  });
}

function drawSchedules(random: Random, zone: string): Readonly<Record<string, ScheduleConfig>> {
  const one = () => {
    const schedule = random.of(EXPRESSIONS);
    return {
      schedule,
      ...(schedule.startsWith("cron") && { timeZone: zone }),
      overlap: random.of(["allow", "skip", "queue"]),
      catchUp: random.of(["all", "latest", "none"]),
      jitterSeconds: random.of([0, 0, 20, 90]),
      retries: { count: random.of([0, 0, 1, 3]), backoffSeconds: random.of([30, 60, 200]) },
    };
  };
  return schedulesSchema.parse({ a: one(), b: one(), c: one() });
}

function drawDuration(random: Random, isFaulty: boolean): number {
  if (!isFaulty) return random.whole(100, 20_000);
  if (random.chance(0.05)) return 2 * TIMEOUT_MS;
  return random.chance(0.2) ? random.whole(60_000, TIMEOUT_MS) : random.whole(100, 20_000);
}

interface History {
  readonly schedules: Readonly<Record<string, ScheduleConfig>>;
  readonly rows: readonly Run[];
  readonly effects: readonly Effect[];
  /** When a run was queued, by its id. */
  readonly created: ReadonlyMap<string, number>;
  readonly events: readonly string[];
  /** Results of each schedule's monitor. */
  readonly checks: ReadonlyMap<string, readonly CheckResult[]>;
  readonly begin: number;
  readonly end: number;
  readonly clock: Clock;
}

/** A tick reports a run, unless the keeper is in an outage or killed several times. */
const SEEN_MS = 2 * HOUR_MS;

const LATE_MS = 5 * MINUTE_MS;

/** Calls between a tick's decision and the time when it is observed may take this long. */
const OBSERVED_LATE_MS = 3 * MINUTE_MS;

function violationsOf({
  schedules,
  rows,
  effects,
  created,
  events,
  checks,
  begin,
  end,
}: History): readonly Violation[] {
  const found: Violation[] = events
    .filter((event) => event !== "too late")
    .map((detail) => ({ invariant: "nothing else goes wrong", detail }));
  const violated = (invariant: string, detail: string) => found.push({ invariant, detail });

  for (const [name, config] of Object.entries(schedules)) {
    const runs = rows.filter(({ schedule }) => schedule === name).toReversed();
    const times = new Set(runs.map(({ scheduledAt }) => scheduledAt));
    // The first tick begins the schedule: it may have been late.
    const [firstAt = begin] = times;
    for (let at = nextInstant(config, firstAt - 1); at !== undefined && at <= end; at = nextInstant(config, at)) {
      if (!times.delete(at)) violated("every instant has a row", `${name} ${new Date(at).toISOString()}`);
    }
    for (const at of times) if (at <= end) violated("only instants have rows", `${name} ${new Date(at).toISOString()}`);
    if (firstAt > begin + 100 * MINUTE_MS + 60 * MINUTE_MS) violated("every instant has a row", `${name} begins late`);

    for (const detail of monitorFaults(runs, checks.get(name) ?? [], end))
      violated("the monitor shows each failure and recovery", `${name}: ${detail}`);

    for (const { run, outcome, scheduledAt, dueAt, startedAt, endedAt, reason = "" } of runs) {
      const id = `${name}/${run}`;
      const mine = effects.filter((effect) => effect.run === id);
      if (scheduledAt <= end && !["succeeded", "failed", "missed", "skipped"].includes(outcome))
        violated("every run ends", `${id} is ${outcome}`);
      if (startedAt !== undefined && startedAt < dueAt) violated("never early", id);
      if (new Set(mine.map(({ attempt }) => attempt)).size < mine.length) violated("an attempt begins once", id);
      if (mine.length > 1 + config.retries.count) violated("no more attempts than retries allow", id);
      if ((outcome === "missed" || outcome === "skipped") && mine.length > 0) violated("missed means not run", id);
      if (outcome === "succeeded" && mine.length === 0) violated("succeeded means run", id);
      if (outcome === "succeeded" && endedAt === undefined) violated("an end has its time", id);
      if (outcome === "failed" && reason === "") violated("a failure has its reason", id);
      const queuedAt = created.get(id);
      const wasLate = queuedAt !== undefined && queuedAt - dueAt > LATE_MS + OBSERVED_LATE_MS;
      if (wasLate && config.catchUp === "none") violated("catchUp none runs nothing late", id);
      if (outcome === "missed" && config.catchUp === "all" && reason.includes("catchUp"))
        violated("catchUp all misses nothing", id);
      if (outcome === "skipped" && config.overlap !== "skip") violated("only overlap skip skips", id);
      if (wasLate && config.catchUp === "latest") {
        const later = runs.find(
          (other) => other.scheduledAt > scheduledAt && other.dueAt < queuedAt - OBSERVED_LATE_MS,
        );
        if (later !== undefined) violated("catchUp latest runs the latest", `${id}, and ${later.run} was due`);
      }
    }
    if (config.catchUp === "latest" && runs.at(-1)?.outcome === "missed")
      violated("catchUp latest runs the latest", name);
    if (config.overlap !== "allow")
      overlaps(effects.filter(({ schedule }) => schedule === name)).forEach((detail) =>
        violated("runs do not overlap", detail),
      );
    if (config.overlap === "queue") {
      const order = effects.filter(({ schedule, attempt }) => schedule === name && attempt === 1).map(({ run }) => run);
      if (order.some((run, index) => run < (order[index - 1] ?? ""))) violated("queued runs keep their order", name);
    }
  }
  return found;
}

/** The checks of the last part of a world, in which nothing fails, have seen everything. */
function monitorFaults(runs: readonly Run[], checks: readonly CheckResult[], end: number): readonly string[] {
  const ended = runs
    .flatMap(({ outcome, run, endedAt }) =>
      endedAt === undefined || outcome === "skipped" ? [] : [{ outcome, run, endedAt }],
    )
    .filter(({ endedAt }) => endedAt < end - (CHECK_MINUTES + 3) * MINUTE_MS)
    .toSorted((a, b) => a.endedAt - b.endedAt);
  const last = ended.at(-1);
  const lastCheck = checks.at(-1);
  if (last === undefined || lastCheck === undefined) return [];
  const unseen = ended.filter(
    ({ outcome, endedAt }) =>
      outcome !== "succeeded" &&
      !checks.some(({ at, health }) => health === "down" && at >= endedAt && at < endedAt + SEEN_MS),
  );
  return [
    ...unseen.map(({ run, outcome }) => `${run} ${outcome} was never seen`),
    ...(lastCheck.reason === "run-overdue"
      ? [`${lastCheck.message ?? ""}, at ${new Date(lastCheck.at).toISOString()}`]
      : []),
    ...(last.outcome === "succeeded" &&
    runs.at(-1)?.outcome === "succeeded" &&
    !runs.some(
      ({ outcome, endedAt = 0 }) => outcome !== "succeeded" && outcome !== "skipped" && endedAt > last.endedAt,
    ) &&
    lastCheck.health !== "up"
      ? [`${last.run} succeeded, and it is ${lastCheck.health}`]
      : []),
  ];
}

function overlaps(effects: readonly Effect[]): readonly string[] {
  const sorted = effects.toSorted((a, b) => a.from - b.from);
  return sorted.flatMap((effect, index) => {
    const before = sorted[index - 1];
    return before !== undefined && before.to > effect.from ? [`${before.run} and ${effect.run}`] : [];
  });
}
