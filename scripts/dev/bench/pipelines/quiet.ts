/** Latency from the API's response to Slack's inbox, without other load, in a separate local environment. */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { ingressClient } from "../../../shared/aws/ingress-client";
import { pipelineOf } from "../../../shared/feature-outputs";
import { localSettings } from "../../../emulator/local-settings";
import { figure, figureAtMost, median, type Figure } from "../figure";
import { withLocalEnvironment } from "../local-environment";

const ORDERS = 40;
const INTERVAL_MS = 1_500;
const TIMEOUT_MS = 30_000;

const inboxSchema = z.object({ messages: z.array(z.object({ at: z.iso.datetime(), message: z.unknown() })) });

export async function measureQuiet(): Promise<readonly Figure[]> {
  return withLocalEnvironment(async (running) => {
    if (running.pages === undefined || running.deployment === undefined)
      throw new Error("npm start has not started the Slack simulator");
    const { endpoint } = pipelineOf("local", "jobOrder", running.deployment);
    const post = ingressClient(endpoint, localSettings(running.endpoint));
    const sentAt = new Map<string, number>();
    for (let order = 0; order < ORDERS; order += 1) {
      const jobOrderId = `quiet-${order}-`;
      const { status, text } = await post(JSON.stringify({ jobOrderId, revision: 1 }));
      if (status !== 202) throw new Error(`the API responded ${status}: ${text}`);
      sentAt.set(jobOrderId, Date.now());
      await sleep(INTERVAL_MS);
    }
    const seconds = (await arrivals(running.pages.url, sentAt)).sort((a, b) => a - b);
    return [
      figure("quiet_p50_s", median(seconds), "s"),
      figureAtMost("quiet_p99_s", seconds[Math.ceil(0.99 * seconds.length) - 1] ?? NaN, "s", 1.5),
    ];
  });
}

/** Seconds from sending each order to Slack's acceptance. */
async function arrivals(slack: string, sentAt: ReadonlyMap<string, number>): Promise<number[]> {
  const until = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { messages } = inboxSchema.parse(await (await fetch(`${slack}/inbox`)).json());
    const received = messages.map(({ at, message }) => ({ at: Date.parse(at), text: JSON.stringify(message) }));
    const seconds = [...sentAt].flatMap(([key, sent]) => {
      const first = received.find(({ text }) => text.includes(key));
      return first === undefined ? [] : [Math.max(0, first.at - sent) / 1_000];
    });
    if (seconds.length === sentAt.size) return seconds;
    if (Date.now() > until) throw new Error(`only ${seconds.length} of ${sentAt.size} orders arrived`);
    await sleep(500);
  }
}
