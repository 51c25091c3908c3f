/** Benchmarks of pipelines, in order. */
import { composeMessage } from "../../../../functions/pipelines/slack/slack-message";
import type { Notification } from "../../../../functions/pipelines/slack/notification";
import { simulate } from "../../../../test/support/slack-simulation";
import { figure, figureAtMost, type Figure } from "../figure";
import { measureIngest } from "./ingest";
import { measureQuiet } from "./quiet";

const CHANGES = 10_000;

/** Ingest throughput, a burst of changes to Slack, and the latency of a single message from the API to Slack. */
export async function benchPipelines(): Promise<readonly Figure[]> {
  return [...(await measureIngest()), ...(await measureBurst()), ...(await measureQuiet())];
}

/** On a virtual clock: Slack's rate limit determines the time. */
async function measureBurst(): Promise<readonly Figure[]> {
  const least = leastMessages();
  const { left, messages, endedAt } = await simulate({
    seed: 1,
    changes: CHANGES,
    burstMs: 0,
    keys: 10 * CHANGES,
    crashes: 0,
    limits: 0,
  });
  if (left > 0) throw new Error(`${left} notifications were not sent`);
  return [
    figure("burst_changes", CHANGES, ""),
    // The first change is sent at once and alone, before the others are queued.
    figureAtMost("burst_messages", messages.length, "", least + 1),
    figure("burst_least_messages", least, ""),
    figure("burst_sent_s", endedAt / 1_000, "s"),
  ];
}

/** The fewest messages that include all changes. */
function leastMessages(): number {
  const notifications = Array.from({ length: CHANGES }, (_, index): Notification => ({
    pipeline: "jobOrder",
    key: String(1_000_000 + index),
    kind: "new",
    receivedAt: "2026-11-21T07:00:00.000Z",
    fields: [],
  }));
  let messages = 0;
  for (let sent = 0; sent < notifications.length; messages += 1)
    sent += composeMessage(notifications.slice(sent), "almanac-test").included;
  return messages;
}
