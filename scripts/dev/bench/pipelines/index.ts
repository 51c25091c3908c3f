import { composeMessage } from "../../../../functions/pipelines/slack/slack-message";
import type { Notice } from "../../../../functions/pipelines/slack/notification";
import { simulate } from "../../../../test/support/slack-simulation";
import { figure, figureAtMost, type Figure } from "../figure";
import { measureIngest } from "./ingest";
import { measureQuiet } from "./quiet";

const CHANGES = 10_000;

/** Messages into rows, changes to Slack, and how long one takes all the way. */
export async function benchPipelines(): Promise<readonly Figure[]> {
  return [...(await measureIngest()), ...(await measureBurst()), ...(await measureQuiet())];
}

/** On a virtual clock, for Slack sets the pace; all there at once, and nothing in between. */
async function measureBurst(): Promise<readonly Figure[]> {
  const least = leastMessages();
  const told = await simulate({ seed: 1, changes: CHANGES, burstMs: 0, keys: 10 * CHANGES, crashes: 0, limits: 0 });
  if (told.left > 0) throw new Error(`${told.left} notices are left`);
  return [
    figure("burst_changes", CHANGES, ""),
    // The first change is told at once and alone, before the others are there.
    figureAtMost("burst_messages", told.messages.length, "", least + 1),
    figure("burst_least_messages", least, ""),
    figure("burst_drained_s", told.endedAt / 1_000, "s"),
  ];
}

/** As few messages as hold them all, by their keys. */
function leastMessages(): number {
  const notices = Array.from({ length: CHANGES }, (_, index): Notice => ({
    channel: "jobOrder",
    key: String(1_000_000 + index),
    kind: "new",
    receivedAt: "2026-11-21T07:00:00.000Z",
    fields: [],
  }));
  let messages = 0;
  for (let told = 0; told < notices.length; messages += 1)
    told += composeMessage(notices.slice(told), "almanac-test").told;
  return messages;
}
