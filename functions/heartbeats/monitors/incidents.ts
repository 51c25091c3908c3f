/** When an incident opens, changes and closes, and the notifications it raises. */
import { isoSeconds } from "../../shared/time";
import type { CheckResult } from "./check-result";
import { inMaintenance } from "./maintenance";
import type { MonitorPolicy } from "./policy";
import type { ClosedIncident, Incident, MonitorState, Notification, Recent, Run, Transition } from "./state";

/** Bounds the state item. Even a target that flaps every ten minutes needs a day with a dead notifier to exceed it. */
const MAX_OUTBOX = 200;

/** Of the outbox as JSON. DynamoDB's limit is 400 KB an item: beyond it no state could be saved, nor any later check be judged. */
const MAX_OUTBOX_BYTES = 256 * 1024;

/** Earlier changes are dropped, so that the state item stays small. */
const MAX_CHANGES = 20;

/** Of a notification: a message has no earlier ones. */
export const NOTIFIED_CHANGES = 3;

/** Failures caused by a certificate, which several targets may share. */
const CERTIFICATE_REASONS: ReadonlySet<string | undefined> = new Set(["certificate", "tls"]);

type Severity = Incident["severity"];

export type Status = Pick<
  MonitorState,
  "health" | "healthSince" | "recent" | "incident" | "closedIncidents" | "outbox"
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
 * The status after one more tick. A failure during maintenance opens no incident and forgets the checks before it; a broken check
 * changes nothing.
 */
export function nextStatus(before: Status, result: CheckResult, tick: number, policy: MonitorPolicy): StatusChange {
  if (result.health === "unknown") return { status: before };
  const maintenance = inMaintenance(tick, policy.maintenance);
  if (result.health !== "up" && maintenance) return { status: { ...before, recent: undefined } };
  const recent = nextRecent(before.recent, result, tick, policy);
  const status = { ...before, recent };
  if (before.incident !== undefined)
    return nextOfIncident({ ...status, incident: before.incident }, recent, result, tick, policy, maintenance);
  const severity = severityOf(recent, policy);
  if (severity !== undefined && result.health !== "up")
    return { status: openIncident(status, result, severity, firstFailure(recent, tick), tick) };
  const settled = before.health === "up" || result.health !== "up";
  return { status: settled ? status : { ...status, health: "up", healthSince: tick } };
}

/** Down by enough failures that are down; degraded by enough of both. */
function severityOf({ failures }: Recent, { failuresBeforeDown }: MonitorPolicy): Severity | undefined {
  if (failures.filter(({ severity }) => severity === "down").length >= failuresBeforeDown) return "down";
  return failures.length >= failuresBeforeDown ? "degraded" : undefined;
}

function firstFailure({ failures: [first] }: Recent, tick: number): number {
  return first?.tick ?? tick;
}

function nextOfIncident(
  status: Status & { readonly incident: NonNullable<Status["incident"]> },
  recent: Recent,
  result: CheckResult,
  tick: number,
  policy: MonitorPolicy,
  maintenance: boolean,
): StatusChange {
  const { notifiedAt, ...incident } = status.incident;
  const { up, notDown, failures } = recent;
  if (up !== undefined && up.length >= policy.successesBeforeUp)
    return closeIncident(status, { ...incident, closedAt: up.since }, tick);

  const severity = severityOf(recent, policy);
  if (result.health === "down" && incident.severity === "degraded" && severity === "down")
    return { status: changeIncident(status, incident, result, "down", tick) };
  if (
    result.health === "degraded" &&
    incident.severity === "down" &&
    (notDown?.length ?? 0) >= policy.successesBeforeUp
  )
    return { status: changeIncident(status, incident, result, "degraded", tick) };
  const sameReason = failures.filter(({ ago, reason }) => ago < policy.failuresBeforeDown && reason === result.reason);
  const isOther = result.health === incident.severity && result.reason !== incident.reason;
  if (isOther && sameReason.length >= policy.failuresBeforeDown)
    return { status: changeIncident(status, incident, result, incident.severity, tick) };

  if (maintenance || tick - notifiedAt < policy.remindAfterMs) return { status };
  const outbox = enqueue(status.outbox, { kind: "reminder", incident, raisedAt: tick, deliveredBy: [] });
  return { status: { ...status, incident: { ...incident, notifiedAt: tick }, outbox } };
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
      recent: undefined,
      incident: undefined,
      closedIncidents: before.closedIncidents + 1,
      outbox: enqueue(before.outbox, notification),
    },
    hours: [],
    incident: { ...incident, closedAt, closedBecause: "removed from the configuration" },
  };
}

function openIncident(status: Status, result: CheckResult, severity: Severity, since: number, tick: number): Status {
  const incident: Incident = { openedAt: since, severity, ...causeOf(result), changes: [] };
  return {
    ...status,
    health: severity,
    healthSince: since,
    incident: { ...incident, notifiedAt: tick },
    outbox: enqueue(status.outbox, { kind: "opened", incident, raisedAt: tick, deliveredBy: [] }),
  };
}

/** The same incident with another severity or reason. */
function changeIncident(
  status: Status,
  before: Incident,
  result: CheckResult,
  severity: Severity,
  tick: number,
): Status {
  const change = { until: tick, severity: before.severity, message: before.message, reason: before.reason };
  const incident: Incident = {
    openedAt: before.openedAt,
    severity,
    ...causeOf(result),
    changes: [...before.changes, change].slice(-MAX_CHANGES),
  };
  return {
    ...status,
    ...(severity !== before.severity && { health: severity, healthSince: tick }),
    incident: { ...incident, notifiedAt: tick },
    outbox: enqueue(status.outbox, { kind: "changed", incident, raisedAt: tick, deliveredBy: [] }),
  };
}

function causeOf(result: CheckResult): Pick<Incident, "message" | "reason" | "certificateFingerprint"> {
  const { message = "the check failed", reason = "unknown", certificateFingerprint } = result;
  const shared = CERTIFICATE_REASONS.has(reason) && certificateFingerprint !== undefined;
  return { message, reason, ...(shared && { certificateFingerprint }) };
}

function closeIncident(status: Status, incident: ClosedIncident, tick: number): StatusChange {
  const { closedAt, ...opened } = incident;
  return {
    status: {
      ...status,
      health: "up",
      healthSince: closedAt,
      // The next incident counts new failures only.
      recent: { ...status.recent, failures: [] },
      incident: undefined,
      closedIncidents: status.closedIncidents + 1,
      outbox: enqueue(status.outbox, { kind: "closed", incident: opened, raisedAt: tick, closedAt, deliveredBy: [] }),
    },
    incident,
  };
}

function nextRecent(
  before: Recent = { failures: [] },
  { health, reason = "unknown" }: CheckResult,
  tick: number,
  { failuresWithin }: MonitorPolicy,
): Recent {
  const next = (streak: Recent["up"]) =>
    streak === undefined ? { length: 1, since: tick } : { ...streak, length: streak.length + 1 };
  const failures = before.failures
    .map((failure) => ({ ...failure, ago: failure.ago + 1 }))
    .filter(({ ago }) => ago < failuresWithin);
  if (health === "up") return { up: next(before.up), notDown: next(before.notDown), failures };
  const severity = health === "degraded" ? "degraded" : "down";
  return {
    ...(severity === "degraded" && { notDown: next(before.notDown) }),
    failures: [...failures, { ago: 0, tick, severity, reason }],
  };
}

/** A reminder replaces an undelivered earlier one. */
function enqueue(outbox: readonly Notification[], { incident, ...notification }: Notification): Notification[] {
  const kept = outbox.filter(({ kind }) => notification.kind !== "reminder" || kind !== "reminder");
  const notified = { ...incident, changes: incident.changes.slice(-NOTIFIED_CHANGES) };
  return bounded([...kept, { ...notification, incident: notified }].slice(-MAX_OUTBOX));
}

function bounded(outbox: Notification[]): Notification[] {
  let bytes = Buffer.byteLength(JSON.stringify(outbox));
  const dropped = outbox.findIndex((each) => {
    if (bytes <= MAX_OUTBOX_BYTES) return true;
    bytes -= Buffer.byteLength(JSON.stringify(each)) + 1;
    return false;
  });
  return outbox.slice(dropped);
}
