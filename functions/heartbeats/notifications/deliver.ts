/** Delivers pending notifications, and records each delivery when it is made. */
import { sleep, type Clock } from "../../shared/clock";
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { groupBy } from "../../shared/group-by";
import { SECOND_MS } from "../../shared/time";
import type { AppliedResult } from "../monitors/apply-results";
import type { MonitorState, Notification, Run } from "../monitors/state";
import type { StateTable } from "../monitors/state-table";
import {
  planDelivery,
  type NotificationMessage,
  type PendingNotification,
  type PlanContext,
  type PlanOptions,
} from "./plan";

const CONCURRENT_WRITES = 8;
const MAX_ATTEMPTS = 8;
const PAUSE_MS = 50;

/** One delivery. Longer than a notifier's own timeout. */
const SEND_TIMEOUT_MS = 8 * SECOND_MS;

/** Consecutive failures after which a notifier is not tried again in this run. */
const BREAKER_FAILURES = 3;

/** All deliveries of one run, beside the deadline of the function. Longer than BREAKER_FAILURES timeouts. */
const ROUND_MS = 30 * SECOND_MS;

/** Between attempts to acquire the lease. */
const LEASE_PAUSE_MS = 500;
const LEASE_ATTEMPTS = 2 * (ROUND_MS / LEASE_PAUSE_MS);

/** Sends notifications through one service: an SNS topic, a Slack webhook. */
export interface Notifier {
  readonly name: string;
  /**
   * Rejects unless delivery is certain; with {@link MessageRejectedError} where another message may succeed. Should end when the
   * signal aborts.
   */
  send(message: NotificationMessage, signal: AbortSignal): Promise<void>;
}

/** The service does not accept this message. It says nothing about the service. */
export class MessageRejectedError extends Error {
  override readonly name = "MessageRejectedError";
}

class DeliveryTimeoutError extends Error {
  override readonly name = "DeliveryTimeoutError";
}

/** The deliveries of another run took longer than expected. Lambda retries this run. */
class DeliveryBusyError extends Error {
  override readonly name = "DeliveryBusyError";
}

export interface DeliveryPorts {
  readonly notifiers: readonly Notifier[];
  readonly table: Pick<StateTable, "readOne" | "save" | "acquireDelivery" | "releaseDelivery">;
  readonly clock: Clock;
  /** Called for each failed delivery. The next run tries again. */
  readonly onFailure: (notifier: string, message: NotificationMessage, error: unknown) => void;
}

/**
 * At least once for each notifier: a notification stays in its monitor's outbox until every notifier has delivered it. If the
 * function dies between delivery and recording, its retry or the next run sends it again under the same id. Runs take turns, so that
 * concurrent ones send nothing twice.
 *
 * Notifiers are independent: each has its own plan, deadline and circuit breaker.
 */
export function notificationSender(options: PlanOptions, ports: DeliveryPorts) {
  const { table, clock, notifiers } = ports;
  return async (
    applied: readonly AppliedResult[],
    context: PlanContext,
    { id }: Run,
    deadline = Infinity,
  ): Promise<void> => {
    const pending = applied.filter(({ state }) => state.outbox.length > 0).map(({ key }) => key);
    if (pending.length === 0) return;
    await acquire(id, deadline, ports);
    try {
      // Another run may have delivered in the meantime.
      const read = await mapConcurrently(
        pending,
        CONCURRENT_WRITES,
        async (key) => [key, await table.readOne(key).catch(() => undefined)] as const,
      );
      const current = new Map(read);
      const states = applied.map((each) => ({ ...each, state: current.get(each.key) ?? each.state }));
      const until = Math.min(deadline, clock.now() + ROUND_MS);
      const record = recorder(
        notifiers.map(({ name }) => name),
        current,
        ports,
      );
      const outcomes = await Promise.allSettled([
        ...notifiers.map(async (notifier) => {
          const plan = planDelivery(states, notifier.name, context, options);
          await deliverAll(notifier, plan.messages, until, record, ports);
          if (plan.covered.length > 0) await record(plan.covered, notifier.name);
        }),
        ...notifiers.slice(0, 1).map(({ name }) => record(deliveredByAll(states, notifiers), name)),
      ]);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    } finally {
      await table.releaseDelivery(id);
    }
  };
}

/** Left in an outbox by a notifier that is no longer configured: nothing is pending, and nothing else would remove them. */
function deliveredByAll(
  states: readonly AppliedResult[],
  notifiers: readonly Notifier[],
): readonly PendingNotification[] {
  const isDelivered = ({ deliveredBy }: Notification) => notifiers.every(({ name }) => deliveredBy.includes(name));
  return states.flatMap(({ key, state }) =>
    state.outbox.filter(isDelivered).map((notification) => ({ monitor: key, notification })),
  );
}

/** @throws {@link DeliveryBusyError} */
async function acquire(owner: string, deadline: number, { table, clock }: DeliveryPorts): Promise<void> {
  for (let attempt = 0; attempt < LEASE_ATTEMPTS && clock.now() < deadline; attempt++) {
    const now = clock.now();
    if (await table.acquireDelivery({ owner, now, until: now + ROUND_MS + SEND_TIMEOUT_MS })) return;
    await sleep(clock, LEASE_PAUSE_MS);
  }
  throw new DeliveryBusyError("another run is still delivering notifications");
}

type Record = (parts: readonly PendingNotification[], notifier: string) => Promise<void>;

/** In order. Later notifications of a monitor wait for earlier ones: "up" before "down" would be false. */
async function deliverAll(
  notifier: Notifier,
  messages: readonly NotificationMessage[],
  until: number,
  record: Record,
  { clock, onFailure }: DeliveryPorts,
): Promise<void> {
  const waiting = new Set<string>();
  let failures = 0;
  for (const message of messages) {
    if (failures >= BREAKER_FAILURES || clock.now() >= until) return;
    if (message.parts.some(({ monitor }) => waiting.has(monitor))) continue;
    try {
      await withTimeout((signal) => notifier.send(message, signal), clock);
      failures = 0;
    } catch (error) {
      onFailure(notifier.name, message, error);
      if (error instanceof MessageRejectedError) continue;
      failures += 1;
      for (const { monitor } of message.parts) waiting.add(monitor);
      continue;
    }
    // Sent again by the next run if it is not recorded; the other messages must not wait for that.
    await record(message.parts, notifier.name).catch((error: unknown) => {
      onFailure(notifier.name, message, error);
    });
  }
}

async function withTimeout(send: (signal: AbortSignal) => Promise<void>, clock: Clock): Promise<void> {
  const controller = new AbortController();
  let cancel = (): void => undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(SEND_TIMEOUT_MS, () => {
      const error = new DeliveryTimeoutError(`no response within ${SEND_TIMEOUT_MS / SECOND_MS} s`);
      reject(error);
      controller.abort(error);
    });
  });
  try {
    await Promise.race([send(controller.signal), timeout]);
  } finally {
    cancel();
  }
}

/** Records deliveries of all notifiers. One write at a time for each monitor, so that notifiers do not conflict. */
function recorder(
  notifiers: readonly string[],
  current: Map<string, MonitorState | undefined>,
  ports: DeliveryPorts,
): Record {
  const queues = new Map<string, Promise<void>>();
  return async (parts, notifier) => {
    const byMonitor = [...groupBy(parts, ({ monitor }) => monitor)];
    await mapConcurrently(byMonitor, CONCURRENT_WRITES, ([monitor, ofMonitor]) => {
      const delivered = ofMonitor.map(({ notification }) => notification);
      const write = async () => {
        const before = current.get(monitor);
        const change = (state: MonitorState) => withDeliveries(state, delivered, notifier, notifiers);
        current.set(monitor, await saveChanged(monitor, before, change, ports));
      };
      const queued = (queues.get(monitor) ?? Promise.resolve()).then(write, write);
      queues.set(monitor, queued);
      return queued;
    });
  };
}

/** @param known the state as it was last read or written. @returns the state now */
async function saveChanged(
  monitor: string,
  known: MonitorState | undefined,
  change: (before: MonitorState) => MonitorState,
  { table, clock }: DeliveryPorts,
): Promise<MonitorState | undefined> {
  let before = known ?? (await table.readOne(monitor));
  for (let attempt = 0; attempt < MAX_ATTEMPTS && before !== undefined; attempt++) {
    const state = change(before);
    if (await table.save(monitor, { state, hours: [] })) return state;
    await sleep(clock, PAUSE_MS);
    before = await table.readOne(monitor);
  }
  // Too many write conflicts: the next run sends again, because a duplicate is better than a loss.
  return before;
}

function withDeliveries(
  state: MonitorState,
  delivered: readonly Notification[],
  notifier: string,
  notifiers: readonly string[],
): MonitorState {
  const outbox = state.outbox.flatMap((notification) => {
    if (!delivered.some((each) => isSame(each, notification))) return [notification];
    const deliveredBy = [...new Set([...notification.deliveredBy, notifier])];
    return notifiers.every((name) => deliveredBy.includes(name)) ? [] : [{ ...notification, deliveredBy }];
  });
  return { ...state, outbox, revision: state.revision + 1 };
}

function isSame(a: Notification, b: Notification): boolean {
  return a.kind === b.kind && a.raisedAt === b.raisedAt && a.incident.openedAt === b.incident.openedAt;
}
