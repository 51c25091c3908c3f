import type { Outcome } from "../../../../functions/heartbeats/contract";
import {
  MessageRejectedError,
  notificationSender,
  type Notifier,
} from "../../../../functions/heartbeats/notifications/deliver";
import type { StateTable } from "../../../../functions/heartbeats/monitors/state-table";
import { BAD, GOOD, setup, tickAt } from "../../../support/heartbeat-rounds";

const down = (name: string) => ({ name, failuresBeforeDown: 1, successesBeforeUp: 1 });

/** A notifier that fails by turns. */
function failing(...errors: readonly (Error | undefined)[]) {
  const attempts: string[] = [];
  const delivered: string[] = [];
  const send: Notifier["send"] = ({ title }) => {
    const error = errors[attempts.push(title) - 1];
    if (error !== undefined) return Promise.reject(error);
    delivered.push(title);
    return Promise.resolve();
  };
  return { name: "slack", send, attempts, delivered };
}
const no = new Error("no");
const TIMEOUT: Outcome = { ok: false, reason: "timeout", message: "no complete response within 10 s" };

describe("a notifier that fails", () => {
  const eight = Array.from({ length: 8 }, (_, index) => down(`t${index}`));

  it("is tried three times in a row, and as often again after a success", async () => {
    const three = failing(no, no, no);
    await setup(eight, {}, three).check(0, Array(8).fill(BAD));
    expect(three.attempts).toHaveLength(3);
    const between = failing(no, no, undefined, no, no, undefined);
    await setup(eight, {}, between).check(0, Array(8).fill(BAD));
    expect(between.attempts).toHaveLength(8);
  });

  it("because it rejects messages is not taken for dead, nor do later ones of the monitor wait", async () => {
    const rejects = failing(...Array<Error>(4).fill(new MessageRejectedError("too long")));
    await setup(eight, {}, rejects).check(0, Array(8).fill(BAD));
    expect(rejects.delivered).toHaveLength(4);
    const one = failing(new MessageRejectedError("too long"));
    const rounds = setup([down("t")], {}, one);
    await rounds.check(0, [BAD]);
    await rounds.check(1, [GOOD]);
    expect(one.delivered).toEqual(["[almanac test] WAS DOWN, UP again: t"]);
  });
});

describe("a later notification of a monitor", () => {
  it("waits for the earlier ones", async () => {
    const thrice = failing(no, no, no);
    const rounds = setup([down("t")], {}, thrice);
    for (const [index, outcome] of [BAD, GOOD, BAD].entries()) await rounds.check(index, [outcome]);
    expect([thrice.attempts.length, thrice.delivered]).toEqual([3, []]);
    await rounds.check(3, [BAD]);
    expect(thrice.delivered).toEqual(["[almanac test] WAS DOWN, UP again: t", "[almanac test] DOWN: t"]);
  });
});

describe("a notifier that was removed while it was dead", () => {
  it("leaves nothing pending", async () => {
    const rounds = setup([down("t")], {}, failing(no, no));
    await rounds.check(0, [BAD]);
    const outbox = async () => (await rounds.table.readOne("t"))?.outbox.length;
    expect(await outbox()).toBe(1);
    const sns: Notifier = { name: "sns", send: () => Promise.reject(no) };
    await rounds.check(1, [BAD], { notifiers: [sns] });
    expect(await outbox()).toBe(0);
  });

  it("does not keep a removed monitor registered", async () => {
    const rounds = setup([down("t")], {}, failing(no, no, no, no));
    await rounds.check(0, [BAD]);
    rounds.configure([]);
    const sns = { name: "sns", send: () => Promise.resolve() };
    for (const index of [1, 2, 3]) await rounds.check(index, [], { notifiers: [sns] });
    expect([...(await rounds.table.registered())]).toEqual([]);
  });
});

describe("deliveries of a run", () => {
  it("do not begin after its deadline", async () => {
    const rounds = setup([down("t")]);
    const sent = failing();
    await rounds.check(0, [BAD], { notifiers: [failing(no)] });
    const state = await rounds.table.readOne("t");
    if (state === undefined) throw new Error("no state");
    let now = tickAt(1);
    const clock = { now: () => (now += 400), elapsed: () => now, after: () => () => undefined };
    const ports = { notifiers: [sent], table: rounds.table, clock, onFailure: () => undefined };
    const context = { monitors: [], digestAbove: 10 };
    await notificationSender({ source: "test" }, ports)(
      [{ key: "t", state }],
      context,
      { id: "run", tick: 0 },
      now + 1_000,
    );
    expect(sent.attempts).toEqual([]);
  });

  const lease = (items: readonly Record<string, unknown>[]) => items.find(({ item }) => item === "delivery");

  it("hold the lease for as long as the last of them may take", async () => {
    const rounds = setup([down("t")]);
    const lengths: number[] = [];
    const acquireDelivery: StateTable["acquireDelivery"] = (lease) => {
      lengths.push(lease.until - lease.now);
      return rounds.table.acquireDelivery(lease);
    };
    await rounds.check(0, [BAD], { table: { ...rounds.table, acquireDelivery } });
    expect(lengths).toEqual([30_000 + 8_000]); // the last one begins within 30 s, and ends within 8
  });

  it("are recorded for the delivered notifications, not for those added meanwhile", async () => {
    const rounds = setup([down("t")]);
    await rounds.check(0, [BAD]);
    await rounds.check(1, [TIMEOUT], { notifiers: [failing(no)] });
    const state = await rounds.table.readOne("t");
    if (state === undefined) throw new Error("no state");
    // The next run saves its change while this one delivers, and delivers nothing.
    const send = () => rounds.check(2, [BAD], { notifiers: [failing(no)] });
    const after = (milliseconds: number, callback: () => void) => {
      if (milliseconds < 1_000) setImmediate(callback); // not the deadline of a delivery
      return () => undefined;
    };
    const clock = { now: () => tickAt(1), elapsed: () => 0, after };
    const ports = { notifiers: [{ name: "sns", send }], table: rounds.table, clock, onFailure: () => undefined };
    await notificationSender({ source: "test" }, ports)(
      [{ key: "t", state }],
      { monitors: [], digestAbove: 10 },
      { id: "slow", tick: tickAt(1) },
    );
    expect((await rounds.table.readOne("t"))?.outbox.map(({ raisedAt }) => raisedAt)).toEqual([tickAt(2)]);
  });

  it("end the lease, also when they fail", async () => {
    const rounds = setup([down("t")], {}, failing(no));
    await rounds.check(0, [BAD]);
    expect(lease(rounds.table.items())).not.toHaveProperty("leaseOwner");
  });

  it.each([[{}], [{ leaseUntil: { S: "tomorrow" } }], [{ leaseUntil: { NULL: true } }]])(
    "do not wait for a lease without an end: %j",
    async (end) => {
      const rounds = setup([down("t")]);
      const item = { monitor: { S: "*" }, item: { S: "delivery" }, leaseOwner: { S: "other" }, ...end };
      rounds.table.preload(item);
      await rounds.check(0, [BAD]);
      expect(rounds.titles()).toEqual(["[almanac test] DOWN: t"]);
    },
  );

  it("that are not recorded do not keep others from being made", async () => {
    const rounds = setup([down("a"), down("b")]);
    let saves = 0;
    // The states themselves are saved; the record of the first delivery is not.
    const save: StateTable["save"] = (key, transition) =>
      ++saves === 3 ? Promise.reject(no) : rounds.table.save(key, transition);
    const table = { ...rounds.table, save };
    await rounds.check(0, [BAD, BAD], { table });
    expect(rounds.titles()).toEqual(["[almanac test] DOWN: a", "[almanac test] DOWN: b"]);
    expect(rounds.failures).toHaveLength(1);
  });

  it("record reminders of an incident that is over as covered", async () => {
    const maintenance = [{ from: new Date(tickAt(2)).toISOString(), to: new Date(tickAt(3)).toISOString() }];
    const isDead = failing(...Array<Error>(100).fill(no));
    const rounds = setup([{ ...down("t"), maintenance }], { remindAfterHours: 0.25 }, isDead);
    for (let index = 0; index < 8; index += 1) await rounds.check(index, [BAD]);
    await rounds.check(8, [GOOD]);
    const outbox = async () =>
      (await rounds.table.readOne("t"))?.outbox.map(({ kind, deliveredBy }) => [kind, ...deliveredBy]);
    expect(await outbox()).toEqual([
      ["opened", "sns"],
      ["closed", "sns"],
    ]);
  });
});
