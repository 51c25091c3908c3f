/** Requests that change one timer at the same time, with any order of their steps: no fire is lost. */
import type { TimerPorts } from "../../../../functions/timers/api/routes";
import { isByRequest, isFireOf, isUnenqueued, planEnqueue } from "../../../../functions/timers/schedule/fire-times";
import type { Fire, StoredTimer } from "../../../../functions/timers/schedule/timer";
import type { Advance } from "../../../../functions/timers/storage/timer-table";
import fc from "../../../support/fast-check";
import { callRoute, fakeTimers } from "../../../support/fake-timers";
import { sized } from "../../../support/sized";

const NOW = Date.parse("2026-11-21T06:55:30.250Z");
const MINUTE = 60_000;
const HORIZON = 10 * MINUTE;

const BODY = { cron: "* * * * ? *", timerCallbackData: 1 };

const REQUESTS = {
  "PUT of the same": { route: "PUT /periodic/{id}", body: BODY },
  "PUT of other data": { route: "PUT /periodic/{id}", body: { ...BODY, timerCallbackData: 2 } },
  "PUT of another callback": { route: "PUT /periodic/{id}", body: { ...BODY, callback: "billing" } },
  "PUT that enables": { route: "PUT /periodic/{id}", body: { ...BODY, enabled: true } },
  pause: { route: "POST /periodic/{id}/{verb}", verb: "pause" },
  resume: { route: "POST /periodic/{id}/{verb}", verb: "resume" },
  fire: { route: "POST /periodic/{id}/{verb}", verb: "fire" },
  move: { route: "POST /periodic", body: { verb: "move", prefix: "", from: "default", to: "billing" } },
  "move back": { route: "POST /periodic", body: { verb: "move", prefix: "", from: "billing", to: "default" } },
  DELETE: { route: "DELETE /periodic/{id}" },
} as const;
type Request = keyof typeof REQUESTS;

/** A timer of each minute; time passes with each step of a request, and the queue delivers what is due, fenced by the row. */
class Subject {
  readonly fake = fakeTimers();
  readonly delivered = new Set<number>();
  now = NOW;
  private readonly done = new Set<Fire>();
  private versions = 0;

  get row(): StoredTimer | undefined {
    return this.fake.rows.get("periodic#tea");
  }

  ports(step: <T>(work: () => Promise<T>) => Promise<T>): TimerPorts {
    const { table, queue } = this.fake;
    const get: typeof table.get = (...args) => step(() => table.get(...args));
    return {
      ...this.fake,
      table: {
        ...table,
        get,
        put: (...args) => step(() => table.put(...args)),
        delete: (...args) => step(() => table.delete(...args)),
        list: (...args) => step(() => table.list(...args)),
        ensureCursor: () => step(() => Promise.resolve()),
        advance: (advances) =>
          step(async () => {
            const isCurrent = ({ timer: { version }, previous }: Advance) =>
              this.row?.version === version && this.row.enqueuedUntil === previous;
            const changed = advances.filter((advance) => !isCurrent(advance));
            await table.advance(advances.filter(isCurrent));
            return changed;
          }),
      },
      queue: { send: (...args) => step(() => queue.send(...args)) },
      cursors: {
        get: () => step(() => Promise.resolve(new Map([["shard0", { cursor: this.now + 2 * MINUTE }]]))),
      },
      now: () => this.now,
      newVersion: () => `v${++this.versions}`,
      shards: 1,
      onFailure: (error) => {
        throw error;
      },
    };
  }

  async send(ports: TimerPorts, name: Request): Promise<void> {
    const request = REQUESTS[name];
    const content = "body" in request ? request.body : undefined;
    const { status, text } = await callRoute(ports, request.route, {
      path: { id: "tea", ...("verb" in request && { verb: request.verb }) },
      body: content,
      text: content === undefined ? "" : JSON.stringify(content),
    });
    // Of a timer that another request has deleted.
    if (status !== 404) expect([name, status, text]).toEqual([name, 200, text]);
  }

  /** What the queue has, and then what the dispatcher finds overdue. */
  deliver(): void {
    for (const fire of this.fake.sent) {
      if (this.done.has(fire) || fire.due > this.now) continue;
      this.done.add(fire);
      if (this.row?.enabled === true && isFireOf(this.row, fire) && !isByRequest(fire)) this.delivered.add(fire.due);
    }
  }

  dispatch(): void {
    const { row } = this;
    if (row === undefined || !isUnenqueued(row)) return;
    const { fires, advanced } = planEnqueue(row, row.enqueuedUntil, row.putAt + HORIZON);
    this.fake.sent.push(...fires);
    this.fake.rows.set("periodic#tea", advanced);
  }
}

const requests = fc.uniqueArray(fc.constantFrom(...(Object.keys(REQUESTS) as Request[])), {
  minLength: 2,
  maxLength: 4,
});
const steps = fc.infiniteStream(fc.constantFrom(1, 500, 15_000));

describe("requests that change one timer at the same time", () => {
  it("lose none of its fires", async () => {
    const property = fc.asyncProperty(
      requests,
      steps,
      fc.boolean(),
      fc.scheduler(),
      async (names, times, paused, order) => {
        const subject = new Subject();
        await subject.send(
          subject.ports((work) => work()),
          "PUT of the same",
        );
        if (paused)
          await subject.send(
            subject.ports((work) => work()),
            "pause",
          );
        const enabledSince = { at: paused ? Infinity : NOW };
        const step = async <T>(work: () => Promise<T>): Promise<T> => {
          await order.schedule(Promise.resolve());
          for (const milliseconds of times.take(1)) subject.now += milliseconds;
          subject.deliver();
          const result = await work();
          subject.deliver();
          const isEnabled = subject.row?.enabled === true;
          enabledSince.at = isEnabled ? Math.min(enabledSince.at, subject.now) : Infinity;
          return result;
        };
        const ports = subject.ports(step);
        const sent = names.map((name) => subject.send(ports, name));
        await order.waitFor(Promise.all(sent));
        subject.now += MINUTE;
        subject.dispatch();
        subject.now = NOW + HORIZON;
        subject.deliver();
        const expected: number[] = [];
        for (let due = Math.ceil(NOW / MINUTE) * MINUTE; due <= NOW + HORIZON; due += MINUTE)
          if (due > enabledSince.at) expected.push(due);
        if (subject.row?.enabled !== true) return;
        expect([...subject.delivered]).toEqual(expect.arrayContaining(expected));
      },
    );
    await fc.assert(property, { numRuns: sized(150, 5_000) });
  });
});
