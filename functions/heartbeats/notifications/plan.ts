/** Which pending notifications are delivered, and their messages. */
import { visible } from "../../shared/text";
import { MINUTE_MS, isoSeconds } from "../../shared/time";
import type { AppliedResult } from "../monitors/apply-results";
import { incidentId } from "../monitors/incidents";
import type { Notification } from "../monitors/state";

/** A notification in the outbox of a monitor's state. */
export interface PendingNotification {
  readonly monitor: string;
  readonly notification: Notification;
}

export interface NotificationMessage {
  /** Stays the same when it is sent again, so that recipients can recognise a duplicate. */
  readonly id: string;
  /** One line of ASCII. */
  readonly title: string;
  readonly text: string;
}

export interface DeliveryPlan {
  readonly deliver: readonly (PendingNotification & { readonly message: NotificationMessage })[];
  /** Covered by another notification. */
  readonly suppressed: readonly PendingNotification[];
}

/**
 * Plans notifications raised by this run or left by an earlier one. Those that a concurrent run of the same tick raised are left
 * to that run.
 *
 * Targets that fail because of the same certificate are one notification, sent for the incident that opened first. Its recovery
 * is notified once all of them have recovered.
 *
 * @param source `almanac production`
 */
export function planDelivery(applied: readonly AppliedResult[], tick: number, source: string): DeliveryPlan {
  const deliver: (PendingNotification & { message: NotificationMessage })[] = [];
  const suppressed: PendingNotification[] = [];
  for (const { key, state, writtenByThisRun } of applied) {
    for (const notification of state.outbox) {
      if (notification.raisedAt >= tick && !writtenByThisRun) continue;
      const group = certificateGroup(notification, applied);
      if (group !== undefined && group.representative !== key) suppressed.push({ monitor: key, notification });
      else
        deliver.push({
          monitor: key,
          notification,
          message: messageOf(key, notification, group?.monitors ?? [], source),
        });
    }
  }
  return { deliver, suppressed };
}

interface CertificateGroup {
  /** The monitor whose notification is sent for the group. Undefined while a recovery waits for the others. */
  readonly representative: string | undefined;
  readonly monitors: readonly string[];
}

/** The monitors that share a notification's certificate. Depends on the states only, so concurrent runs agree. */
function certificateGroup(
  { kind, incident }: Notification,
  applied: readonly AppliedResult[],
): CertificateGroup | undefined {
  const { certificateFingerprint: fingerprint } = incident;
  if (fingerprint === undefined || kind === "removed") return undefined;
  const open = applied.filter(({ state }) => state.incident?.certificateFingerprint === fingerprint);
  const pending = applied.filter(({ state }) =>
    state.outbox.some((each) => each.kind === kind && each.incident.certificateFingerprint === fingerprint),
  );
  if (kind === "closed") {
    const monitors = pending.map(({ key }) => key).sort();
    return { representative: open.length === 0 ? monitors[0] : undefined, monitors };
  }
  const openedAt = ({ state }: AppliedResult): number =>
    (state.incident ?? state.outbox[0]?.incident ?? incident).openedAt;
  const monitors = [...new Set([...open, ...pending])]
    .sort((a, b) => openedAt(a) - openedAt(b) || (a.key < b.key ? -1 : 1))
    .map(({ key }) => key);
  return { representative: monitors[0], monitors };
}

/** SNS: an email subject is ASCII of less than 100 characters. */
const MAX_TITLE_LENGTH = 99;

const HEADLINES: Readonly<Record<Notification["kind"], string>> = {
  opened: "DOWN",
  reminder: "STILL DOWN",
  closed: "UP again",
  removed: "NO LONGER MONITORED",
};

function messageOf(
  monitor: string,
  { kind, incident, raisedAt, closedAt }: Notification,
  group: readonly string[],
  source: string,
): NotificationMessage {
  const label = group.length > 1 ? `${group.length} targets with one certificate` : monitor;
  const lines = [
    `${label}: ${visible(incident.message)}`,
    ...(group.length > 1 ? [`Targets: ${group.join(", ")}`] : []),
    `Since ${isoSeconds(incident.openedAt)}`,
    ...(closedAt === undefined ? [] : [`Until ${isoSeconds(closedAt)} (${duration(closedAt - incident.openedAt)})`]),
    ...(kind === "removed" ? ["Removed from the configuration, not known to be up"] : []),
    ...(kind === "reminder" ? [`Open for ${duration(raisedAt - incident.openedAt)}`] : []),
    ...(incident.certificateFingerprint === undefined
      ? []
      : [`Certificate SHA-256 ${incident.certificateFingerprint}`]),
  ];
  return {
    id: [incidentId(monitor, incident), kind, ...(kind === "reminder" ? [isoSeconds(raisedAt)] : [])].join("."),
    title: `[${source}] ${HEADLINES[kind]}: ${label}`.slice(0, MAX_TITLE_LENGTH),
    text: lines.join("\n"),
  };
}

/** `1 d 2 h`, `2 h 5 min`, `5 min` */
function duration(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  const parts = [
    [Math.floor(minutes / 1_440), "d"],
    [Math.floor((minutes % 1_440) / 60), "h"],
    [minutes % 60, "min"],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).slice(0, 2);
  return shown.length === 0 ? "0 min" : shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}
