/** Changes of one timer in any order: each of its fires is delivered once, by its schedule while it is not paused. */
import * as z from "zod";
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import type { ApiRouteName } from "../../../../functions/timers/contract";
import { fireAt, isByRequest, isFireOf, planEnqueue } from "../../../../functions/timers/schedule/fire-times";
import type { Fire, StoredTimer } from "../../../../functions/timers/schedule/timer";
import fc from "../../../support/fast-check";
import { callRoute, fakeTimers } from "../../../support/fake-timers";
import { sized } from "../../../support/sized";

const NOW = Date.parse("2026-11-21T06:55:30.250Z");
const MINUTE = 60_000;
/** A PUT enqueues the fires of ten minutes: no dispatcher is needed until then. */
const LAST_CHANGE = NOW + 8 * MINUTE;
const HORIZON = 590_000;

const CHANGES = [
  "pause",
  "resume",
  "fire",
  "move",
  "put",
  "put of other data",
  "put of another callback",
  "put of what GET answers",
] as const;
type Change = (typeof CHANGES)[number];

const body = z.record(z.string(), z.unknown());

/** A timer of each minute, whose queue delivers at the due time, fenced by the row. */
class Subject {
  readonly fake = fakeTimers();
  readonly delivered: string[] = [];
  now = NOW;
  private readonly done = new Set<Fire>();
  private versions = 0;
  private readonly ports: TimerPorts = {
    ...this.fake,
    cursors: { get: () => Promise.resolve(new Map([["shard0", { cursor: this.now + 2 * MINUTE }]])) },
    now: () => this.now,
    newVersion: () => `v${++this.versions}`,
    shards: 1,
    onFailure: (error) => {
      throw error;
    },
  };

  constructor(private readonly definition: object) {}

  get row(): StoredTimer {
    const row = this.fake.rows.get("periodic#tea");
    if (row === undefined) throw new Error("no row");
    return row;
  }

  async call(route: ApiRouteName, verb?: string, content?: object): Promise<unknown> {
    const request = { path: { id: "tea", ...(verb !== undefined && { verb }) }, body: content };
    const { status, text } = await callRoute(this.ports, route, {
      ...request,
      text: content === undefined ? "" : JSON.stringify(content),
    });
    expect([route, status, text]).toEqual([route, 200, text]);
    return JSON.parse(text);
  }

  put(more: object = {}): Promise<unknown> {
    return this.call("PUT /periodic/{id}", undefined, { ...this.definition, ...more });
  }

  async change(change: Change): Promise<void> {
    const { callback = "default" } = this.row.options ?? {};
    const other = callback === "default" ? "billing" : "default";
    switch (change) {
      case "move":
        await this.call("POST /periodic", undefined, { verb: "move", prefix: "", from: callback, to: other });
        return;
      case "put":
        await this.put({ callback });
        return;
      case "put of other data":
        await this.put({ callback, timerCallbackData: ++this.versions });
        return;
      case "put of another callback":
        await this.put({ callback: other, ifVersion: this.row.version });
        return;
      case "put of what GET answers":
        await this.call("PUT /periodic/{id}", undefined, body.parse(await this.call("GET /periodic/{id}")));
        return;
      default:
        await this.call("POST /periodic/{id}/{verb}", change);
    }
  }

  /** The scheduled times of the fires that are due until then. */
  deliver(until: number): void {
    for (const fire of [...this.fake.sent].sort((a, b) => a.due - b.due)) {
      if (this.done.has(fire) || fire.due > until) continue;
      this.done.add(fire);
      if (isFireOf(this.row, fire) && this.row.enabled && !isByRequest(fire))
        this.delivered.push(fire.fireId.slice(fire.fireId.lastIndexOf("#") + 1));
    }
  }
}

const sequences = fc.array(fc.tuple(fc.constantFrom(...CHANGES), fc.integer({ min: 1, max: 100_000 })), {
  maxLength: 8,
});
const jitters = fc.constantFrom(0, 30, 300);

/** @returns whether it was enabled at a time before its last change */
async function run(
  subject: Subject,
  changes: readonly (readonly [Change, number])[],
): Promise<(time: number) => boolean> {
  const states: (readonly [number, boolean])[] = [[NOW, true]];
  for (const [change, wait] of changes) {
    if (subject.now + wait > LAST_CHANGE) break;
    subject.now += wait;
    // Whether one that is due in the millisecond of the change comes before it is left open.
    while (subject.fake.sent.some(({ due }) => due === subject.now)) subject.now += 1;
    subject.deliver(subject.now - 1);
    await subject.change(change);
    states.push([subject.now, subject.row.enabled]);
    subject.deliver(subject.now);
  }
  return (time) => states.findLast(([at]) => at <= time)?.[1] ?? true;
}

describe("a timer that is changed in any order", () => {
  it("fires once at each time of its schedule, but for those that are due in a pause", async () => {
    const property = fc.asyncProperty(sequences, jitters, async (changes, jitterSeconds) => {
      const subject = new Subject({ cron: "* * * * ? *", jitterSeconds });
      await subject.put();
      const isEnabled = await run(subject, changes);
      subject.deliver(subject.now + HORIZON);
      expect(new Set(subject.delivered).size).toBe(subject.delivered.length);
      const end = subject.now + HORIZON;
      const times: string[] = [];
      for (let time = Math.ceil(NOW / MINUTE) * MINUTE; time <= end; time += MINUTE) {
        const { due } = fireAt(subject.row, time);
        if (due <= end && time <= subject.now && isEnabled(due)) times.push(new Date(time).toISOString());
      }
      expect(subject.delivered.filter((time) => Date.parse(time) <= subject.now).sort()).toEqual(times);
    });
    await fc.assert(property, { numRuns: sized(100, 3_000) });
  });

  it("fires as often as it counts", async () => {
    const uncounted = ["put of other data"];
    const property = fc.asyncProperty(sequences, jitters, async (changed, jitterSeconds) => {
      const changes = changed.filter(([change]) => !uncounted.includes(change));
      const subject = new Subject({ cron: "* * * * ? *", maxFires: 101, jitterSeconds });
      await subject.put();
      // As if 101 were three.
      const { fires, advanced } = planEnqueue({ ...subject.row, firesLeft: 3 }, NOW, NOW + 10 * MINUTE);
      subject.fake.rows.set("periodic#tea", advanced);
      subject.fake.sent.splice(0, subject.fake.sent.length, ...fires);
      await run(subject, changes);
      if (!subject.row.enabled) await subject.change("resume");
      subject.deliver(subject.now + HORIZON);
      expect(subject.delivered).toHaveLength(3);
    });
    await fc.assert(property, { numRuns: sized(100, 3_000) });
  });
});
