/** When the sender posts again, by what Slack answers. */
import { sendQueued, type QueuedNotification } from "../../../../functions/pipelines/slack/slack-sender";
import type { PostOutcome } from "../../../../functions/shared/slack";
import { inMemoryLeases } from "../../../support/slack-simulation";
import { virtualClock } from "../../../support/virtual-clock";

const QUEUED: QueuedNotification = {
  pipeline: "jobOrder",
  position: "1",
  notification: { pipeline: "jobOrder", key: "17", kind: "new", receivedAt: "2026-11-21T07:00:00.000Z", fields: [] },
};

/** Sends one notification. Returns when each message was posted, in milliseconds. */
async function postedAt(...answers: readonly PostOutcome[]): Promise<readonly number[]> {
  const clock = virtualClock();
  const queue = [QUEUED];
  const posts: number[] = [];
  await sendQueued("/almanac/slack/orders", 60_000, {
    queue: {
      read: () => Promise.resolve(queue),
      remove: () => Promise.resolve(void queue.pop()),
      setAside: () => Promise.reject(new Error("there is nothing to set aside")),
    },
    leases: inMemoryLeases(),
    post: () => Promise.resolve(answers[posts.push(clock.now()) - 1] ?? { kind: "accepted" }),
    clock,
    owner: "run",
    source: "almanac-test",
    onFailure: () => undefined,
    onSetAside: () => undefined,
  });
  return posts;
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
    expect(await postedAt(...answers)).toEqual(times);
  });
});
