/** Tells what is owed, and notes in the states that it was told. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/concurrency";
import type { NotificationMessage, PendingNotification, DeliveryPlan } from "./plan";
import type { StateTable } from "../monitors/state-table";
import type { Notification, MonitorState } from "../monitors/state";

const CONCURRENT_TELLING = 8;
const MOST_ATTEMPTS = 8;
const PAUSE_MS = 50;

/** A way to people: an SNS topic, a Slack webhook. */
export interface Notifier {
  readonly name: string;
  /** Rejects when it is not certain that the announcement will arrive. */
  send(announcement: NotificationMessage): Promise<void>;
}

export interface DeliveryPorts {
  readonly notifiers: readonly Notifier[];
  readonly table: Pick<StateTable, "readOne" | "save">;
  readonly clock: Clock;
  /** Called for each announcement that a channel did not take. The next round tries again. */
  readonly onFailure: (channel: string, announcement: NotificationMessage, error: unknown) => void;
}

/**
 * At least once: a notice stays in its subject's state until each channel has taken it. Who dies in between leaves it to the next
 * round, which may then tell it a second time, under the same id.
 */
export async function deliverNotifications({ deliver: told, suppressed: silent }: DeliveryPlan, ports: DeliveryPorts): Promise<void> {
  const names = ports.notifiers.map(({ name }) => name);
  const done = await mapConcurrently(told, CONCURRENT_TELLING, async ({ announcement, ...owed }) => {
    const sentTo = await sendTo(announcement, owed.notification.sentTo, ports);
    return { ...owed, sentTo };
  });
  const settled = [...done, ...silent.map((owed) => ({ ...owed, sentTo: names }))];
  const subjects = [...new Set(settled.map(({ monitor: subject }) => subject))];
  await mapConcurrently(subjects, CONCURRENT_TELLING, async (subject) => {
    const ofSubject = settled.filter((each) => each.monitor === subject);
    await settle(subject, ofSubject, names, ports);
  });
}

/** Returns the channels that have the announcement now. */
async function sendTo(
  announcement: NotificationMessage,
  sentTo: readonly string[],
  { notifiers: channels, onFailure }: DeliveryPorts,
): Promise<readonly string[]> {
  const sent = await mapConcurrently(channels, channels.length, async (channel) => {
    if (sentTo.includes(channel.name)) return [];
    try {
      await channel.send(announcement);
      return [channel.name];
    } catch (error) {
      onFailure(channel.name, announcement, error);
      return [];
    }
  });
  return [...sentTo, ...sent.flat()];
}

type Settled = PendingNotification & { readonly sentTo: readonly string[] };

async function settle(
  subject: string,
  settled: readonly Settled[],
  channels: readonly string[],
  { table, clock }: DeliveryPorts,
): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const before = await table.readOne(subject);
    if (before === undefined) return;
    const state = withSettled(before, settled, channels);
    if (await table.save(subject, { state, hours: [] })) return;
    await sleep(clock, PAUSE_MS);
  }
  // Others keep writing it: told again by the next round, rather than not at all.
}

function withSettled(state: MonitorState, settled: readonly Settled[], channels: readonly string[]): MonitorState {
  const outbox = state.outbox.flatMap((notice) => {
    const sentTo = settled.find((each) => isSame(each.notification, notice))?.sentTo;
    if (sentTo === undefined) return [notice];
    return channels.every((channel) => sentTo.includes(channel)) ? [] : [{ ...notice, sentTo: [...sentTo] }];
  });
  return { ...state, outbox, revision: state.revision + 1 };
}

function isSame(a: Notification, b: Notification): boolean {
  return a.kind === b.kind && a.raisedAt === b.raisedAt;
}
