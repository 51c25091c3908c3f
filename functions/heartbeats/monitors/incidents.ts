/** When an incident opens and closes, and the notifications it raises. */
import { isoSeconds } from "../../shared/time";
import type { CheckResult } from "./check-result";
import { inMaintenance } from "./maintenance";
import type { MonitorPolicy } from "./policy";
import type { ClosedIncident, Incident, MonitorState, Notification, Run, Transition } from "./state";

/** Older undelivered notifications are dropped, so that the state item stays small. */
const MAX_OUTBOX = 10;

/** Failures caused by a certificate, which several targets may share. */
const CERTIFICATE_REASONS: ReadonlySet<string | undefined> = new Set(["certificate", "tls"]);

export type Status = Pick<
  MonitorState,
  "health" | "healthSince" | "streak" | "incident" | "closedIncidents" | "outbox"
>;

/** The next status, and the incident it closes. */
export interface StatusChange {
  readonly status: Status;
  readonly incident?: ClosedIncident;
}

/** Unique: `site.2026-11-21T06:55:00Z`. */
export function incidentId(monitorKey: string, { openedAt }: Pick<Incident, "openedAt">): string {
  return `${monitorKey.replace("/", ".")}.${isoSeconds(openedAt)}`;
}

/**
 * The status after one more tick. A failure during maintenance opens no incident and resets the streak; a broken check
 * changes nothing.
 */
export function nextStatus(before: Status, result: CheckResult, tick: number, policy: MonitorPolicy): StatusChange {
  const maintenance = inMaintenance(tick, policy.maintenance);
  const streak = nextStreak(before.streak, result, tick, maintenance);
  const status = { ...before, streak };
  if (streak === undefined || result.health === "unknown") return { status };

  if (before.incident !== undefined) {
    const { notifiedAt, ...incident } = before.incident;
    if (streak.health === "up" && streak.length >= policy.successesBeforeUp)
      return closeIncident(status, { ...incident, closedAt: streak.since }, tick);
    if (maintenance || tick - notifiedAt < policy.remindAfterMs) return { status };
    return {
      status: {
        ...status,
        incident: { ...incident, notifiedAt: tick },
        outbox: enqueue(before.outbox, { kind: "reminder", incident, raisedAt: tick, deliveredBy: [] }),
      },
    };
  }
  if (streak.health === "down")
    return streak.length < policy.failuresBeforeDown ? { status } : openIncident(status, result, streak.since, tick);
  return before.health === "up" ? { status } : { status: { ...status, health: "up", healthSince: tick } };
}

/**
 * Closes the open incident of a monitor that was removed from the configuration, with one last notification. Undefined where
 * no incident is open. If the monitor returns, the time in between has no data.
 */
export function closeForRemoval(before: MonitorState, { tick, id }: Run): Transition | undefined {
  if (before.incident === undefined) return undefined;
  const { notifiedAt: _, ...incident } = before.incident;
  const closedAt = Math.max(tick, before.lastTick); // a retried tick may be older than the incident
  const notification: Notification = { kind: "removed", incident, raisedAt: closedAt, closedAt, deliveredBy: [] };
  return {
    state: {
      ...before,
      revision: before.revision + 1,
      runId: id,
      health: "unknown",
      healthSince: closedAt,
      streak: undefined,
      incident: undefined,
      closedIncidents: before.closedIncidents + 1,
      outbox: enqueue(before.outbox, notification),
    },
    hours: [],
    incident: { ...incident, closedAt, closedBecause: "removed from the configuration" },
  };
}

function openIncident(status: Status, result: CheckResult, since: number, tick: number): StatusChange {
  const { certificateFingerprint, reason = "internal", message = "" } = result;
  const incident: Incident = {
    openedAt: since,
    message,
    reason,
    ...(CERTIFICATE_REASONS.has(reason) && certificateFingerprint !== undefined && { certificateFingerprint }),
  };
  return {
    status: {
      ...status,
      health: "down",
      healthSince: since,
      incident: { ...incident, notifiedAt: tick },
      outbox: enqueue(status.outbox, { kind: "opened", incident, raisedAt: tick, deliveredBy: [] }),
    },
  };
}

function closeIncident(status: Status, incident: ClosedIncident, tick: number): StatusChange {
  const { closedAt, ...opened } = incident;
  return {
    status: {
      ...status,
      health: "up",
      healthSince: closedAt,
      incident: undefined,
      closedIncidents: status.closedIncidents + 1,
      outbox: enqueue(status.outbox, { kind: "closed", incident: opened, raisedAt: tick, closedAt, deliveredBy: [] }),
    },
    incident,
  };
}

function nextStreak(
  streak: Status["streak"],
  { health }: CheckResult,
  tick: number,
  maintenance: boolean,
): Status["streak"] {
  if (health === "unknown") return streak;
  if (health === "down" && maintenance) return undefined;
  return streak?.health === health ? { ...streak, length: streak.length + 1 } : { health, length: 1, since: tick };
}

/** A reminder replaces an undelivered earlier one. */
function enqueue(outbox: readonly Notification[], notification: Notification): Notification[] {
  const kept = outbox.filter(({ kind }) => notification.kind !== "reminder" || kind !== "reminder");
  return [...kept, notification].slice(-MAX_OUTBOX);
}
