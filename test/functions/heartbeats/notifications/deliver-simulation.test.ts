import type { Outcome } from "../../../../functions/heartbeats/contract";
import { MessageRejectedError, type Notifier } from "../../../../functions/heartbeats/notifications/deliver";
import type { NotificationMessage } from "../../../../functions/heartbeats/notifications/plan";
import { BAD, GOOD, setup, time } from "../../../support/heartbeat-rounds";
import fc from "../../../support/fast-check";

const targets = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `t${index}`, failuresBeforeDown: 1, successesBeforeUp: 1 }));
const all = (count: number, outcome: Outcome) => Array<Outcome>(count).fill(outcome);

/** A notifier that keeps what it delivered, and fails while it is dead. */
function notifier(name: string, failure: () => Error = () => new Error("no")) {
  const messages: NotificationMessage[] = [];
  let attempts = 0;
  let dead = false;
  const send = (message: NotificationMessage): Promise<void> => {
    attempts += 1;
    if (dead) return Promise.reject(failure());
    messages.push(message);
    return Promise.resolve();
  };
  return {
    name,
    send,
    messages,
    attempts: () => attempts,
    setDead: (value: boolean) => (dead = value),
    /** `t0 opened`, in the order of delivery. */
    delivered: () =>
      messages.flatMap(({ parts }) => parts.map(({ monitor, notification }) => `${monitor} ${notification.kind}`)),
  } satisfies Notifier & Record<string, unknown>;
}

describe("a dead notifier", () => {
  it("keeps nothing from the others, which are told once, and from the page, which goes first", async () => {
    const slack = notifier("slack");
    slack.setDead(true);
    const order: string[] = [];
    const rounds = setup(targets(100), { digestAbove: 100 }, slack);
    const publish = () => Promise.resolve(void order.push(`page before ${rounds.sent.length} notifications`));
    for (let index = 0; index < 3; index++) await rounds.check(index, all(100, BAD), { publish });
    expect(rounds.sent).toHaveLength(100);
    expect(order[0]).toBe("page before 0 notifications");
    // The circuit breaker: three attempts a run.
    expect(slack.attempts()).toBe(9);
    slack.setDead(false);
    for (let index = 3; index < 5; index++) await rounds.check(index, all(100, BAD));
    expect(new Set(slack.delivered()).size).toBe(100);
    expect(slack.delivered()).toHaveLength(100);
    expect(rounds.sent).toHaveLength(100);
  });

  it("tells what it missed as one message an incident, in order", async () => {
    const slack = notifier("slack");
    const rounds = setup(targets(1), {}, slack);
    slack.setDead(true);
    for (const [index, outcome] of [BAD, BAD, GOOD, BAD].entries()) await rounds.check(index, [outcome]);
    slack.setDead(false);
    await rounds.check(4, [BAD]);
    expect(slack.messages.map(({ title }) => title)).toEqual([
      "[almanac test] WAS DOWN, UP again: t0",
      "[almanac test] DOWN: t0",
    ]);
  });

  it("does not block other messages by one that it rejects", async () => {
    const slack = notifier("slack", () => new MessageRejectedError("invalid"));
    slack.setDead(true);
    const rounds = setup(targets(8), {}, slack);
    await rounds.check(0, all(8, BAD));
    expect(slack.attempts()).toBe(8);
  });
});

describe("many incidents in one run", () => {
  it("are one digest", async () => {
    const { check, sent } = setup(targets(1_000));
    await check(0, all(1_000, BAD));
    await check(1, all(1_000, BAD));
    await check(2, all(1_000, GOOD));
    expect(sent.map(({ title }) => title)).toEqual(["[almanac test] 1000 DOWN", "[almanac test] 1000 UP again"]);
    expect(sent[0]?.text).toMatch(/^DOWN: t0, t1, .* and \d+ more$/);
  });

  it("are single messages up to the limit", async () => {
    const { check, titles } = setup(targets(10));
    await check(0, all(10, BAD));
    expect(titles()).toHaveLength(10);
  });
});

describe("a run that dies between saving and telling", () => {
  it("is told by its retry", async () => {
    const { check, titles } = setup(targets(1));
    const hangs = [{ name: "sns", send: () => new Promise<never>(() => undefined) }];
    const publish = () => Promise.reject(new Error("killed"));
    await check(0, [BAD], { notifiers: hangs, publish }).catch(() => undefined);
    expect(titles()).toEqual([]);
    await check(0, [BAD]);
    expect(titles()).toEqual(["[almanac test] DOWN: t0"]);
  });
});

describe("an outage of the checker's own network", () => {
  it("is one notification, and one when it is over; no target is judged", async () => {
    const { check, checkAndPublish, sent, documents } = setup(targets(50));
    const unmeasured: Outcome = { ok: false, reason: "unmeasured", message: "not judged" };
    await check(0, all(50, GOOD));
    for (const index of [1, 2, 3]) await check(index, all(50, unmeasured), { networkFailure: "no canary responds" });
    for (const index of [4, 5]) await checkAndPublish(index, all(50, GOOD));
    expect(sent.map(({ title }) => title)).toEqual([
      "[almanac test] OFFLINE: the checker's own network",
      "[almanac test] UP again: the checker's own network",
    ]);
    const day = documents.at(-1)?.monitors[0]?.windows["24h"];
    expect(day).toMatchObject({ uptime: 1 });
    expect(day?.coverage).toBeCloseTo(2 / 5, 2);
  });
});

describe("an unreadable state", () => {
  it("is reported, and only its monitor is skipped", async () => {
    const { check, table, failures, titles } = setup(targets(3));
    table.preload({ monitor: { S: "t1" }, item: { S: "state" }, revision: { S: "seven" } });
    await check(0, all(3, BAD));
    expect(titles()).toEqual(["[almanac test] DOWN: t0", "[almanac test] DOWN: t2"]);
    expect(failures).toEqual(["unreadable t1"]);
  });
});

describe("whatever notifiers do", () => {
  it("each change is told once to each in the end, in order, and none falsely", async () => {
    const round = fc.record({
      outcomes: fc.array(fc.constantFrom(GOOD, BAD), { minLength: 3, maxLength: 3 }),
      dead: fc.constantFrom("none", "none", "sns", "slack", "both"),
      copies: fc.constantFrom(0, 1, 1, 1, 2),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(round, { minLength: 1, maxLength: 20, size: "max" }),
        fc.integer({ min: 1, max: 4 }),
        async (story, digestAbove) => {
          const both = [notifier("sns"), notifier("slack")];
          const witness = notifier("witness");
          const rounds = setup(targets(3), { digestAbove });
          const expected = setup(targets(3));
          const quiet = { notifiers: [witness] };
          for (const [index, { outcomes, dead, copies }] of story.entries()) {
            for (const each of both) each.setDead(dead === "both" || dead === each.name);
            const runs = Array.from({ length: copies }, () => rounds.check(index, outcomes, { notifiers: both }));
            await Promise.all(runs);
            if (copies > 0) await expected.check(index, outcomes, quiet);
          }
          for (const each of both) each.setDead(false);
          const end = story.length;
          for (const index of [end, end + 1]) await rounds.check(index, all(3, GOOD), { notifiers: both });
          for (const index of [end, end + 1]) await expected.check(index, all(3, GOOD), quiet);
          for (const { delivered } of both)
            for (const name of ["t0", "t1", "t2"]) {
              const of = (list: readonly string[]) => list.filter((each) => each.startsWith(`${name} `));
              expect(of(delivered())).toEqual(of(witness.delivered()));
            }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("every message has what, since when, and links", async () => {
    const { check, sent } = setup(targets(1));
    await check(0, [BAD]);
    expect(sent[0]?.text).toBe(`t0: status 500, expected 200-299\nSince ${time(0)}\nURL: https://a.test/`);
  });
});
