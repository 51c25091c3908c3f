/** Delivers pending notifications and records each delivery. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/concurrency";
import type { AppliedResult } from "../monitors/apply-results";
import type { MonitorState, Notification, Run } from "../monitors/state";
import type { StateTable } from "../monitors/state-table";
import { planDelivery, type NotificationMessage, type PendingNotification } from "./plan";

const CONCURRENT_DELIVERIES = 8;
const MAX_ATTEMPTS = 8;
const PAUSE_MS = 50;

/** Sends notifications through one service: an SNS topic, a Slack webhook. */
export interface Notifier {
  readonly name: string;
  /** Rejects unless delivery is certain. */
  send(message: NotificationMessage): Promise<void>;
}

export interface DeliveryPorts {
  readonly notifiers: readonly Notifier[];
  readonly table: Pick<StateTable, "readOne" | "save">;
  readonly clock: Clock;
  /** Called for each failed delivery. The next run tries again. */
  readonly onFailure: (notifier: string, message: NotificationMessage, error: unknown) => void;
}

type Delivered = PendingNotification & { readonly deliveredBy: readonly string[] };

/**
 * At least once: a notification stays in its monitor's outbox until every notifier has delivered it. If the function dies
 * between delivery and recording, the next run sends it again under the same id.
 *
 * @param source `almanac production`
 */
export function notificationSender(source: string, ports: DeliveryPorts) {
  const names = ports.notifiers.map(({ name }) => name);
  return async (applied: readonly AppliedResult[], { tick }: Run): Promise<void> => {
    const { deliver, suppressed } = planDelivery(applied, tick, source);
    const sent = await mapConcurrently(deliver, CONCURRENT_DELIVERIES, async ({ message, ...pending }) => {
      const deliveredBy = await send(message, pending.notification.deliveredBy, ports);
      return { ...pending, deliveredBy };
    });
    const delivered: Delivered[] = [...sent, ...suppressed.map((pending) => ({ ...pending, deliveredBy: names }))];
    const monitors = [...new Set(delivered.map(({ monitor }) => monitor))];
    await mapConcurrently(monitors, CONCURRENT_DELIVERIES, async (monitor) => {
      const ofMonitor = delivered.filter((each) => each.monitor === monitor);
      await recordDeliveries(monitor, ofMonitor, names, ports);
    });
  };
}

/** Returns the names of all notifiers that have delivered the message by now. */
async function send(
  message: NotificationMessage,
  deliveredBy: readonly string[],
  { notifiers, onFailure }: DeliveryPorts,
): Promise<readonly string[]> {
  const sent = await mapConcurrently(notifiers, notifiers.length, async (notifier) => {
    if (deliveredBy.includes(notifier.name)) return [];
    try {
      await notifier.send(message);
      return [notifier.name];
    } catch (error) {
      onFailure(notifier.name, message, error);
      return [];
    }
  });
  return [...deliveredBy, ...sent.flat()];
}

async function recordDeliveries(
  monitor: string,
  delivered: readonly Delivered[],
  notifiers: readonly string[],
  { table, clock }: DeliveryPorts,
): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = await table.readOne(monitor);
    if (before === undefined) return;
    const state = withDeliveries(before, delivered, notifiers);
    if (await table.save(monitor, { state, hours: [] })) return;
    await sleep(clock, PAUSE_MS);
  }
  // Too many write conflicts: the next run sends again, because a duplicate is better than a loss.
}

function withDeliveries(
  state: MonitorState,
  delivered: readonly Delivered[],
  notifiers: readonly string[],
): MonitorState {
  const outbox = state.outbox.flatMap((notification) => {
    const deliveredBy = delivered.find((each) => isSame(each.notification, notification))?.deliveredBy;
    if (deliveredBy === undefined) return [notification];
    const complete = notifiers.every((notifier) => deliveredBy.includes(notifier));
    return complete ? [] : [{ ...notification, deliveredBy: [...deliveredBy] }];
  });
  return { ...state, outbox, revision: state.revision + 1 };
}

function isSame(a: Notification, b: Notification): boolean {
  return a.kind === b.kind && a.raisedAt === b.raisedAt;
}
