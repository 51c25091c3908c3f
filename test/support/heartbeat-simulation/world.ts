/**
 * A day of the checker with virtual time and random faults, derived from a seed: the real results, states, plans and deliveries, with the
 * state table, notifiers, targets and jobs simulated.
 */
import { monitorSettingsSchema, targetSchema, type Outcome } from "../../../functions/heartbeats/contract";
import { monitorKey, type Configuration } from "../../../functions/heartbeats/monitors/policy";
import { processCheckResults } from "../../../functions/heartbeats/monitors/process-check-results";
import { sumOf } from "../../../functions/heartbeats/monitors/roll-up";
import type { StateTable } from "../../../functions/heartbeats/monitors/state-table";
import { notificationSender, type Notifier } from "../../../functions/heartbeats/notifications/deliver";
import type { NotificationMessage } from "../../../functions/heartbeats/notifications/plan";
import { checkNetwork } from "../../../functions/heartbeats/probe/canaries";
import type { ProbeResult } from "../../../functions/heartbeats/probe/check-target";
import { sleep } from "../../../functions/shared/clock";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { Random } from "../simulation/random";
import { virtualClock } from "../virtual-clock";
import { memoryStates } from "./memory-states";
import { expectedEvents, expectedTimes, time, type Applied, type Rules, type Window } from "./model";

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

const INTERVAL_MINUTES = 15;
const INTERVAL_MS = INTERVAL_MINUTES * MINUTE_MS;
const TICKS = 112;
/** At the end, without faults, so that everything is delivered. */
const QUIET_TICKS = 8;

/** Around midnight of a Sunday, in UTC, by hand: a job at 02:30, and maintenance for two hours on Sundays from 01:30. */
const BEGINNINGS = [
  {
    zone: "Europe/Berlin",
    begin: "2026-10-24T12:00Z",
    job: ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    maintenance: ["2026-10-24T23:30Z", "2026-10-25T01:30Z"],
  },
  {
    zone: "Europe/Berlin",
    begin: "2027-03-27T12:00Z",
    // 02:30 is skipped: at the end of the gap.
    job: ["2027-03-27T01:30Z", "2027-03-28T01:00Z", "2027-03-29T00:30Z"],
    maintenance: ["2027-03-28T00:30Z", "2027-03-28T02:30Z"],
  },
  {
    zone: "Australia/Sydney",
    begin: "2026-10-03T04:00Z",
    job: ["2026-10-02T16:30Z", "2026-10-03T16:00Z", "2026-10-04T15:30Z"],
    maintenance: ["2026-10-03T15:30Z", "2026-10-03T17:30Z"],
  },
  {
    zone: "UTC",
    begin: "2026-11-21T12:00Z",
    job: ["2026-11-21T02:30Z", "2026-11-22T02:30Z", "2026-11-23T02:30Z"],
    maintenance: ["2026-11-22T01:30Z", "2026-11-22T03:30Z"],
  },
] as const;
const GRACE_MS = 30 * MINUTE_MS;

const RULES: Readonly<Record<string, Rules>> = {
  "t-fast": { failures: 1, within: 1, successes: 1 },
  "t-usual": { failures: 3, within: 5, successes: 2 },
  "t-flappy": { failures: 2, within: 6, successes: 3 },
  "t-patient": { failures: 2, within: 2, successes: 1 },
  "cron/nightly": { failures: 1, within: 1, successes: 1 },
};
/** Not the job, which runs at that time. */
const MAINTAINED = ["t-usual", "t-flappy"];
const TARGETS = Object.keys(RULES).filter((key) => key.startsWith("t-"));

const certificate = {
  reason: "certificate",
  message: "expires",
  certificateDaysLeft: 3,
  certificateFingerprint: "ab",
} as const;
const OUTCOMES: readonly Outcome[] = [
  { ok: true, status: 200 },
  { ok: true, status: 200 },
  { ok: true, status: 200 },
  { ok: false, reason: "status", message: "status 500", status: 500 },
  { ok: false, reason: "timeout", message: "no response" },
  { ok: false, reason: "slow", message: "took 900 ms" },
  { ok: false, ...certificate },
  { ok: false, reason: "unmeasured", message: "busy" },
];
const NO_DNS: Outcome = { ok: false, reason: "dns", message: "the name does not resolve" };

class KilledError extends Error {
  override readonly name = "KilledError";
}

export async function runWorld(seed: number): Promise<readonly Violation[]> {
  const random = new Random(seed);
  const { zone, job, maintenance, ...beginning } = random.of(BEGINNINGS);
  // Not at full quarters, so that an hour ends between two ticks.
  const begin = Date.parse(beginning.begin) + random.whole(0, INTERVAL_MINUTES - 1) * MINUTE_MS;
  const clock = virtualClock(begin);
  const table = memoryStates();
  const violations: Violation[] = [];
  const violate = (invariant: string, detail: string) =>
    void violations.push({ invariant, detail: `world ${seed}: ${detail}` });
  const tickAt = (index: number) => begin + index * INTERVAL_MS;
  const isFaulty = () => clock.now() < tickAt(TICKS - QUIET_TICKS);
  const fault = (probability: number) => isFaulty() && random.chance(probability);

  const window = { weekday: "sunday", from: "01:30", minutes: 120, zone, note: "upgrade" } as const;
  const windows: readonly Window[] = [[Date.parse(maintenance[0]), Date.parse(maintenance[1])]];
  const windowsOf = (key: string) => (MAINTAINED.includes(key) ? windows : []);
  const configuration: Configuration = {
    ...monitorSettingsSchema.parse({
      cronMonitors: [{ name: "nightly", cron: "30 2 * * ? *", zone, graceSeconds: GRACE_MS / SECOND_MS }],
      digestAbove: random.of([1, 3, 10]),
      remindAfterHours: random.of([2, 720]),
    }),
    targets: TARGETS.map((name) => {
      const { failures = 1, within = 1, successes = 1 } = RULES[name] ?? {};
      const rules = { failuresBeforeDown: failures, failuresWithin: within, successesBeforeUp: successes };
      const maintained = MAINTAINED.includes(name) ? [window] : [];
      return targetSchema.parse({ name, url: "https://a.test/", ...rules, maintenance: maintained });
    }),
    brand: {},
  };

  // --- targets, and the checker's network ---
  let outcomes = TARGETS.map(() => random.of(OUTCOMES));
  let outageTicks = 0;
  const outages = new Set<number>();
  const draw = (tick: number): readonly Outcome[] => {
    outcomes = outcomes.map((outcome) => (random.chance(0.3) ? random.of(OUTCOMES) : outcome));
    if (!isFaulty()) outcomes = outcomes.map(() => ({ ok: true, status: 200 }));
    if (outageTicks > 0) outageTicks -= 1;
    else if (fault(0.03)) outageTicks = random.whole(1, 4);
    if (outageTicks > 0 && isFaulty()) outages.add(tick);
    return outages.has(tick) ? outcomes.map(() => NO_DNS) : outcomes;
  };

  // --- jobs ---
  const dues = job.map((each) => Date.parse(each));
  const reports = dues.flatMap((due, index) =>
    index > 0 && random.chance(0.3) ? [] : [due + random.of([-0.5, 0, 5, 20]) * MINUTE_MS],
  );
  const jobAt = (at: number) => reports.filter((report) => report <= at).at(-1);
  const jobHealth = (at: number): Applied["health"] => {
    const last = jobAt(at) ?? 0;
    const due = dues.find((each) => each > last + MINUTE_MS) ?? Infinity;
    return at > due + GRACE_MS ? "down" : "up";
  };

  // --- notifiers ---
  interface FaultyNotifier extends Notifier {
    readonly messages: NotificationMessage[];
    /** Messages that were delivered without the checker's knowledge. */
    unsure: number;
    dead: number;
  }
  const faultyNotifier = (name: string): FaultyNotifier => {
    const notifier: FaultyNotifier = {
      name,
      messages: [],
      unsure: 0,
      dead: 0,
      send: async (message) => {
        if (notifier.dead > 0) {
          if (notifier.dead % 2 === 0) await sleep(clock, 60 * SECOND_MS);
          throw new Error("dead");
        }
        if (fault(0.05)) throw new Error("not now");
        notifier.messages.push(message);
        if (!fault(0.05)) return;
        notifier.unsure += 1;
        throw new Error("the response was lost");
      },
    };
    return notifier;
  };
  const faulty = [faultyNotifier("sns"), faultyNotifier("slack")];

  // --- runs ---
  const applied = new Map<string, Applied[]>(Object.keys(RULES).map((key) => [key, []]));
  const { signal } = new AbortController();
  let runs = 0;
  let kills = 0;
  const run = async (tick: number, drawn: readonly Outcome[]): Promise<void> => {
    const calls = { left: fault(0.12) ? random.whole(0, 30) : Infinity };
    const living =
      <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        if (calls.left-- <= 0) throw new KilledError("killed");
        if (fault(0.02)) await sleep(clock, random.whole(10, 3_000));
        return call(...args);
      };
    const ports: StateTable = {
      ...table,
      read: living(table.read),
      readOne: living(table.readOne),
      save: living(observedSave),
      registered: living(table.registered),
      register: living(table.register),
      deregister: living(table.deregister),
      acquireDelivery: living(table.acquireDelivery),
      releaseDelivery: living(table.releaseDelivery),
      recordReport: () => Promise.resolve(),
      readLog: () => Promise.resolve(undefined),
    };
    const notifiers = faulty.map((notifier) => ({
      name: notifier.name,
      send: living((message: NotificationMessage) => notifier.send(message, signal)),
    }));
    const raw = configuration.targets.map(({ name }, index): ProbeResult => {
      return { target: name, at: tick + SECOND_MS, latencyMs: 120, outcome: drawn[index] ?? NO_DNS };
    });
    const judged = await checkNetwork(raw, configuration.targets, ["a.test", "b.test"], (name) =>
      outages.has(tick) ? Promise.reject(new Error(name)) : Promise.resolve(),
    );
    const notify = notificationSender(
      { source: "almanac" },
      { notifiers, table: ports, clock, onFailure: () => undefined },
    );
    const publish = living(() => Promise.resolve());
    try {
      await processCheckResults(
        { configuration, ...judged, run: { id: `run-${runs++}`, tick }, deadline: clock.now() + 60 * SECOND_MS },
        {
          table: ports,
          notify,
          publish,
          clock,
          random: () => random.next(),
          intervalMinutes: INTERVAL_MINUTES,
          onUnreadable: (key) => {
            violate("states are readable", key);
          },
        },
      );
      const state = await table.readOne("t-fast");
      if ((state?.lastTick ?? 0) < tick) violate("a run applies its results", time(tick));
    } catch (error) {
      if (calls.left > 0) violate("a run that is not killed succeeds", String(error));
      kills += 1;
    }
  };
  const drawnAt = new Map<number, readonly Outcome[]>();
  /** Records which results were applied: of a killed run, a part. */
  const observedSave: StateTable["save"] = async (key, transition) => {
    const isSaved = await table.save(key, transition);
    const { lastTick: tick } = transition.state;
    const results = applied.get(key);
    if (isSaved && results !== undefined && results.at(-1)?.tick !== tick)
      results.push({ tick, ...expectedResult(key, tick, drawnAt.get(tick) ?? []) });
    return isSaved;
  };
  const expectedResult = (key: string, tick: number, drawn: readonly Outcome[]): Omit<Applied, "tick"> => {
    if (key === monitorKey.cron("nightly")) return { health: jobHealth(tick), reason: "missing-heartbeat" };
    const outcome = drawn[TARGETS.indexOf(key)];
    if (outcome === undefined || outages.has(tick)) return { health: "unknown", reason: "unmeasured" };
    if (outcome.ok) return { health: "up", reason: "" };
    const { reason } = outcome;
    const health = reason === "unmeasured" ? "unknown" : ["slow", "certificate"].includes(reason) ? "degraded" : "down";
    return { health, reason };
  };

  const waiting: (() => Promise<void>)[] = [];
  for (let index = 0; index < TICKS; index++) {
    const tick = tickAt(index);
    await sleep(clock, tick + random.whole(1, 40) * SECOND_MS - clock.now());
    for (const notifier of faulty)
      notifier.dead = notifier.dead > 0 ? notifier.dead - 1 : fault(0.06) ? random.whole(1, 9) : 0;
    if (!isFaulty()) for (const notifier of faulty) notifier.dead = 0;
    const drawn = draw(tick);
    const heartbeatAt = jobAt(tick);
    if (heartbeatAt !== undefined) table.report(monitorKey.cron("nightly"), { heartbeatAt });
    drawnAt.set(tick, drawn);
    const copies = fault(0.08) ? 0 : fault(0.15) ? 2 : 1;
    // A retry, or a copy of an earlier tick, before this one or beside it.
    const earlier = waiting.length > 0 && random.chance(0.6) ? waiting.shift() : undefined;
    const runsNow = Array.from({ length: copies }, async () => {
      if (earlier !== undefined) await sleep(clock, random.whole(0, 200));
      await run(tick, drawn);
    });
    await Promise.all([earlier?.(), ...runsNow]);
    if (fault(0.2)) waiting.push(() => run(tick, drawn));
  }

  // --- what must hold ---
  for (const [key, results] of applied) {
    const rules = RULES[key] ?? { failures: 1, within: 1, successes: 1 };
    const expected = expectedEvents(results, rules, windowsOf(key));
    for (const { name, messages } of faulty) {
      const delivered = firstDeliveries(messages, key);
      if (delivered.join("\n") !== expected.join("\n"))
        violate(
          "each change is delivered once, in order, and none falsely",
          `${name} ${key}\n${delivered.join("\n")}\nexpected\n${expected.join("\n")}`,
        );
    }
    const state = await table.readOne(key);
    if (state === undefined) violate("a state exists", key);
    else {
      if (state.outbox.length > 0) violate("an outbox is empty in the end", key);
      const { hours, days } = await table.history(key, { hours: 0, days: 0, incidents: 0 });
      const {
        up,
        degraded,
        down,
        maintenance: maintained,
      } = sumOf([...hours.map(({ rollup }) => rollup), state.hour.rollup]);
      const counted = JSON.stringify({ up, degraded, down, maintenance: maintained });
      const times = expectedTimes(results, INTERVAL_MS, windowsOf(key));
      if (counted !== JSON.stringify(times))
        violate("all time is counted once", `${key} ${counted} expected ${JSON.stringify(times)}`);
      const ended = sumOf(hours.map(({ rollup }) => rollup));
      const daily = sumOf(days.map(({ rollup }) => rollup));
      if (ended.up !== daily.up || ended.down !== daily.down) violate("days are the sums of their hours", key);
    }
  }
  for (const { name, messages, unsure } of faulty) {
    const delivered = new Set<string>();
    let again = 0;
    for (const { id, parts } of messages) {
      const ids = parts.map((part) => identity(part));
      if (ids.some((each) => delivered.has(each))) again += 1;
      for (const each of ids) delivered.add(each);
      if (parts.length === 0) violate("a message says something", id);
    }
    if (again > unsure + kills)
      violate("nothing is sent again without a reason", `${name}: ${again}, ${unsure} + ${kills}`);
    for (const { parts } of messages)
      for (const { monitor, notification } of parts) {
        if (
          monitor === monitorKey.network &&
          outages.has(notification.raisedAt) !== (notification.kind === "opened" || notification.kind === "reminder")
        )
          violate("an outage of the checker is an outage", `${notification.kind} ${time(notification.raisedAt)}`);
        if (
          monitor === monitorKey.maintenance &&
          notification.kind === "opened" &&
          !windows.some(([from, to]) => from <= notification.raisedAt && notification.raisedAt < to)
        )
          violate("announced maintenance is as announced", time(notification.raisedAt));
      }
    const ofMaintenance = firstDeliveries(messages, monitorKey.maintenance).map((each) => each.split(" ")[0]);
    if (
      ofMaintenance.filter((kind) => kind === "opened").length !==
      ofMaintenance.filter((kind) => kind === "closed").length
    )
      violate("announced maintenance that begins ends", ofMaintenance.join());
  }
  return violations;
}

type Part = NotificationMessage["parts"][number];

function identity({ monitor, notification: { kind, raisedAt, incident } }: Part): string {
  return `${monitor} ${kind} ${incident.openedAt} ${raisedAt}`;
}

/** Without reminders. */
function firstDeliveries(messages: readonly NotificationMessage[], key: string): readonly string[] {
  const parts = messages
    .flatMap((message) => message.parts)
    .filter(({ monitor, notification }) => monitor === key && notification.kind !== "reminder");
  const first = new Map<string, Part>();
  for (const part of parts) if (!first.has(identity(part))) first.set(identity(part), part);
  return [...first.values()].map(({ notification: { kind, raisedAt, incident } }) =>
    [kind, incident.severity, incident.reason, time(incident.openedAt), "raised", time(raisedAt)].join(" "),
  );
}
