/** When the sender posts again, by what Slack answers. */
import {
  sendQueued,
  type QueuedNotification,
  type WebhookState,
} from "../../../../functions/pipelines/slack/slack-sender";
import { POST_TIMEOUT_MS, type PostOutcome } from "../../../../functions/shared/slack";
import { inMemoryLeases } from "../../../support/slack-simulation";
import { virtualClock } from "../../../support/virtual-clock";

const QUEUED: QueuedNotification = {
  pipeline: "jobOrder",
  position: "1",
  notification: { pipeline: "jobOrder", key: "17", kind: "new", receivedAt: "2026-11-21T07:00:00.000Z", fields: [] },
};

interface Post {
  /** Milliseconds. */
  readonly at: number;
  readonly hasBlocks: boolean;
}

/** Sends notifications, each in a message of its own, until the answers are used up. Returns the posts, and the states that were saved. */
async function posts(answers: readonly PostOutcome[], notifications = 1) {
  const clock = virtualClock();
  let left = notifications;
  const posted: Post[] = [];
  const leases = inMemoryLeases();
  const saved: WebhookState[] = [];
  await sendQueued("/almanac/slack/orders", 60_000, {
    queue: {
      read: () => Promise.resolve(left === 0 ? [] : [QUEUED]),
      remove: () => Promise.resolve(void (left -= 1)),
      setAside: () => Promise.reject(new Error("there is nothing to set aside")),
    },
    leases: {
      ...leases,
      renew: (webhook, lease, state) => {
        saved.push(state);
        return leases.renew(webhook, lease, state);
      },
    },
    post: (_, { blocks }) => {
      const answer = answers[posted.push({ at: clock.now(), hasBlocks: blocks !== undefined }) - 1];
      return Promise.resolve(answer ?? { kind: "accepted" });
    },
    clock,
    owner: "run",
    source: "almanac-test",
    onFailure: () => undefined,
    onSetAside: () => undefined,
  });
  return { posted, saved };
}

describe("the next message", () => {
  it.each<readonly [string, readonly PostOutcome[], readonly number[]]>([
    [
      "comes a second later at the earliest, though Retry-After is shorter",
      [{ kind: "rateLimited", retryAfterMs: 500 }],
      [0, 1_000],
    ],
    ["comes after Retry-After", [{ kind: "rateLimited", retryAfterMs: 3_000 }], [0, 3_000]],
    [
      "comes later after each rejection",
      Array.from({ length: 3 }, () => ({ kind: "rejected", reason: "invalid_blocks" }) as const),
      [0, 1_000, 3_000, 7_000],
    ],
    [
      "comes later after each failure",
      Array.from({ length: 3 }, () => ({ kind: "failed", reason: "no response" }) as const),
      [0, 1_000, 3_000, 7_000],
    ],
    ["is left to the schedule when Retry-After is long", [{ kind: "rateLimited", retryAfterMs: 30_000 }], [0]],
  ])("%s", async (_, answers, times) => {
    expect((await posts(answers)).posted.map(({ at }) => at)).toEqual(times);
  });

  it("is complete again once Slack has accepted one in another format", async () => {
    const { posted } = await posts([{ kind: "rejected", reason: "invalid_blocks" }], 2);
    expect(posted.map(({ hasBlocks }) => hasBlocks)).toEqual([true, false, true]);
  });

  it("of another sender, should this one be killed, is a second later than the latest that its own may arrive", async () => {
    const { saved } = await posts([]);
    expect(saved[0]?.nextMessageAt).toBe(POST_TIMEOUT_MS + 1_000);
  });
});
