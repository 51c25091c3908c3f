/** GET, preview and lists say the same of a timer, whatever its options; and what GET answers can be put back. */
import * as z from "zod";
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import { TIMER_STATES } from "../../../../functions/timers/api/api-types";
import type { ApiRouteName } from "../../../../functions/timers/contract";
import type { TimerKind } from "../../../../functions/timers/schedule/timer";
import fc from "../../../support/fast-check";
import { callRoute, fakeTimers } from "../../../support/fake-timers";
import { sized } from "../../../support/sized";

/** Half an hour before the end of daylight saving time in Berlin. */
const NOW = Date.parse("2026-10-25T00:30:30.250Z");
const MINUTE = 60_000;

const isoOf = (time: number) => new Date(time).toISOString();
const optional = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const times = fc.integer({ min: -40, max: 90 }).map((minutes) => isoOf(NOW + minutes * MINUTE + 125));

const policies = {
  jitterSeconds: optional([0, 1, 60, 300]),
  enabled: optional([true, false]),
  callback: optional(["default", "billing"]),
  catchUp: optional(["all", "latest", 60]),
  overlap: optional(["allow", "skip"]),
  retry: optional([{}, { maxAttempts: 8 }, { maxAttempts: 3, maxAgeSeconds: 60 }]),
  history: optional([true, false]),
};
const limits = {
  startAt: fc.option(times, { nil: undefined }),
  endAt: fc.option(times, { nil: undefined }),
  maxFires: optional([1, 2, 5, 150]),
};
const everies = fc.constantFrom("1 minute", "90 seconds", "7 minutes", "1 hour", "1 day");
const crons = fc.constantFrom("* * * * ? *", "0/15 * * * ? *", "15,45 1-3 * * ? *", "30 2 * * ? *", "0 0 L * ? *");
const zones = optional(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]);
const kinds: Readonly<Record<TimerKind, fc.Arbitrary<object>>> = {
  oneshot: fc.oneof(
    fc.record({ ...policies, at: fc.oneof(times, fc.constant("1970-01-01T00:00:00Z")) }),
    fc.record({ ...policies, delaySeconds: fc.integer({ min: 0, max: 4_000 }) }),
  ),
  periodic: fc.oneof(
    fc.record({ ...policies, ...limits, every: everies }),
    fc.record({ ...policies, ...limits, minuteOfHour: fc.integer({ min: 0, max: 59 }) }),
    fc.record({ ...policies, ...limits, cron: crons, timeZone: zones }),
  ),
};
const KINDS = ["oneshot", "periodic"] as const;
const puts = fc.array(
  fc.record({
    put: fc.oneof(...KINDS.map((kind) => fc.tuple(fc.constant(kind), kinds[kind]))),
    wait: fc.integer({ min: 0, max: 5 * MINUTE }),
  }),
  { minLength: 1, maxLength: 5 },
);

const timerShape = z.looseObject({
  id: z.string(),
  state: z.enum(TIMER_STATES),
  nextFireAt: z.string().nullable(),
  callback: z.string(),
  version: z.string(),
});
const listShape = z.strictObject({ timers: z.array(z.looseObject({ id: z.string() })), next: z.string().optional() });
const previewShape = z.object({ fires: z.array(z.string()) });

/** Timers whose dispatcher is on time. */
class Subject {
  now = NOW;
  private versions = 0;
  private readonly ports: TimerPorts = {
    ...fakeTimers(),
    cursors: {
      get: () => Promise.resolve(new Map([["shard0", { cursor: Math.floor(this.now / MINUTE + 3) * MINUTE }]])),
    },
    now: () => this.now,
    newVersion: () => `v${++this.versions}`,
    shards: 1,
    onFailure: (error) => {
      throw error;
    },
  };

  async call(route: ApiRouteName, path: Readonly<Record<string, string>>, request: object = {}) {
    const { status, text } = await callRoute(this.ports, route, { path, ...request });
    return { status, body: JSON.parse(text) as unknown };
  }

  put(kind: TimerKind, id: string, content: unknown) {
    const text = JSON.stringify(content);
    return this.call(`PUT /${kind}/{id}`, { id }, { body: JSON.parse(text) as unknown, text });
  }

  async get(kind: TimerKind, id: string) {
    return timerShape.parse((await this.call(`GET /${kind}/{id}`, { id })).body);
  }

  async preview(kind: TimerKind, id: string): Promise<readonly string[]> {
    return previewShape.parse((await this.call(`GET /${kind}/{id}/{verb}`, { id, verb: "preview" })).body).fires;
  }

  /** All pages. */
  async list(kind: TimerKind, query: object): Promise<readonly string[]> {
    const ids: string[] = [];
    let next: string | undefined;
    do {
      const page = { query: { limit: "2", ...query, ...(next !== undefined && { next }) } };
      const { timers, next: following } = listShape.parse((await this.call(`GET /${kind}`, {}, page)).body);
      ids.push(...timers.map(({ id }) => id));
      next = following;
    } while (next !== undefined);
    return ids.sort();
  }
}

/** @returns ids of those that were accepted */
async function putAll(subject: Subject, all: readonly { put: [TimerKind, object]; wait: number }[]) {
  const accepted: { readonly kind: TimerKind; readonly id: string }[] = [];
  for (const [index, { put, wait }] of all.entries()) {
    subject.now += wait;
    const [kind, content] = put;
    const id = `timer-${index}`;
    const { status } = await subject.put(kind, id, content);
    // A timer that would never fire.
    expect([200, 400]).toContain(status);
    if (status === 200) accepted.push({ kind, id });
  }
  return accepted;
}

it("answers agree", async () => {
  const property = fc.asyncProperty(puts, fc.integer({ min: 0, max: 9 * MINUTE }), async (all, later) => {
    const subject = new Subject();
    const accepted = await putAll(subject, all);
    subject.now += later;
    const got = await Promise.all(accepted.map(async ({ kind, id }) => ({ kind, timer: await subject.get(kind, id) })));

    for (const { kind, timer } of got) {
      const { id, state, nextFireAt, version } = timer;
      // A preview has what is due at this moment as well.
      const [first = null] = (await subject.preview(kind, id)).filter((due) => due > isoOf(subject.now));
      if (state !== "paused") expect([timer, first]).toEqual([timer, nextFireAt]);
      const again = await subject.put(kind, id, timer);
      expect(again).toMatchObject({ status: 200, body: { version } });
    }

    for (const kind of KINDS)
      for (const state of [undefined, ...TIMER_STATES])
        for (const dueBefore of [undefined, ...[0, 3, 60].map((minutes) => isoOf(subject.now + minutes * MINUTE))]) {
          const isListed = ({ state: of, nextFireAt }: (typeof got)[number]["timer"]) =>
            (state === undefined || of === state) &&
            (dueBefore === undefined || (nextFireAt !== null && nextFireAt < dueBefore));
          const expected = got.filter((one) => one.kind === kind && isListed(one.timer)).map(({ timer }) => timer.id);
          const query = { ...(state && { state }), ...(dueBefore !== undefined && { dueBefore }) };
          expect({ kind, query, ids: await subject.list(kind, query) }).toEqual({ kind, query, ids: expected });
        }
  });
  await fc.assert(property, { numRuns: sized(60, 3_000) });
});
