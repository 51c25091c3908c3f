/** When an incident opens and closes, and what is to be told of it. */
import { inMaintenance } from "./maintenance";
import type { ClosedIncident, CheckResult, Incident, Notification, Run, MonitorPolicy, Transition, MonitorState } from "./state";

/** What nobody could be told for so long, nobody needs to be told any more: states stay small. */
const MOST_NOTICES = 10;

/** Reasons that are the certificate's, which other targets may share. */
const CERTIFICATE_REASONS: ReadonlySet<string | undefined> = new Set(["certificate", "tls"]);

export type Status = Pick<MonitorState, "health" | "healthSince" | "streak" | "incident" | "closedIncidents" | "outbox">;

/** A status, and the incident that closed on the way to it. */
export interface StatusChange {
  readonly status: Status;
  readonly incident?: ClosedIncident;
}

/**
 * The status after one more tick. Failures within maintenance open nothing and begin to be counted again after it; a check that
 * broke by itself counts for nothing.
 */
export function nextStatus(before: Status, finding: CheckResult, tick: number, rules: MonitorPolicy): StatusChange {
  const quiet = inMaintenance(tick, rules.maintenance);
  const streak = nextStreak(before.streak, finding, tick, quiet);
  const status = { ...before, streak };
  if (streak === undefined || finding.health === "unknown") return { status };

  if (before.incident !== undefined) {
    const { toldAt, ...incident } = before.incident;
    if (streak.health === "up" && streak.length >= rules.successesBeforeUp)
      return closeIncident(status, { ...incident, closedAt: streak.since }, tick);
    if (quiet || tick - toldAt < rules.remindAfterMs) return { status };
    return {
      status: {
        ...status,
        incident: { ...incident, toldAt: tick },
        outbox: enqueue(before.outbox, { kind: "reminder", incident, raisedAt: tick, sentTo: [] }),
      },
    };
  }
  if (streak.health === "down")
    return streak.length < rules.failuresBeforeDown ? { status } : openIncident(status, finding, streak.since, tick);
  return before.health === "up" ? { status } : { status: { ...status, health: "up", healthSince: tick } };
}

/**
 * What becomes of a subject that is no longer in the configuration: its open incident is closed, and told of once more. Undefined:
 * there is none. Its time ends with its last tick; should it come back, what lies between is without data.
 */
export function closeForRemoval(before: MonitorState, { tick, id: run }: Run): Transition | undefined {
  if (before.incident === undefined) return undefined;
  const { toldAt: _, ...incident } = before.incident;
  const closedAt = Math.max(tick, before.lastTick); // a tick that is tried again may be older than the incident
  const notice: Notification = { kind: "removed", incident, raisedAt: closedAt, closedAt, sentTo: [] };
  return {
    state: {
      ...before,
      revision: before.revision + 1,
      run,
      health: "unknown",
      healthSince: closedAt,
      streak: undefined,
      incident: undefined,
      closedIncidents: before.closedIncidents + 1,
      outbox: enqueue(before.outbox, notice),
    },
    hours: [],
    incident: { ...incident, closedAt, closedBecause: "removed from the configuration" },
  };
}

function openIncident(status: Status, finding: CheckResult, since: number, tick: number): StatusChange {
  const { certificateFingerprint, reason = "internal", message = "" } = finding;
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
      incident: { ...incident, toldAt: tick },
      outbox: enqueue(status.outbox, { kind: "opened", incident, raisedAt: tick, sentTo: [] }),
    },
  };
}

function closeIncident(status: Status, incident: ClosedIncident, tick: number): StatusChange {
  const { closedAt, ...rest } = incident;
  return {
    status: {
      ...status,
      health: "up",
      healthSince: closedAt,
      incident: undefined,
      closedIncidents: status.closedIncidents + 1,
      outbox: enqueue(status.outbox, { kind: "closed", incident: rest, raisedAt: tick, closedAt, sentTo: [] }),
    },
    incident: incident,
  };
}

function nextStreak(streak: Status["streak"], { health }: CheckResult, tick: number, quiet: boolean): Status["streak"] {
  if (health === "unknown") return streak;
  if (health === "down" && quiet) return undefined;
  return streak?.health === health ? { ...streak, length: streak.length + 1 } : { health, length: 1, since: tick };
}

/** A later reminder takes the place of one that was not told yet. */
function enqueue(outbox: readonly Notification[], notice: Notification): Notification[] {
  const others = outbox.filter(({ kind }) => notice.kind !== "reminder" || kind !== "reminder");
  return [...others, notice].slice(-MOST_NOTICES);
}
