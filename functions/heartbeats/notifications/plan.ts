/** Which notices are told, to whom they were not told yet, and in which words. */
import type { AppliedResult } from "../monitors/apply-results";
import type { Incident, Notification } from "../monitors/state";

/** A notice, with the subject whose state holds it. */
export interface PendingNotification {
  readonly monitor: string;
  readonly notification: Notification;
}

/** What people are told. */
export interface NotificationMessage {
  /** The same each time that it is sent: whoever gets it twice can tell. */
  readonly id: string;
  /** One line of ASCII. */
  readonly title: string;
  readonly text: string;
}

export interface DeliveryPlan {
  readonly deliver: readonly (PendingNotification & { readonly announcement: NotificationMessage })[];
  /** Others speak for these: they are done with. */
  readonly suppressed: readonly PendingNotification[];
}

/**
 * What one round has to tell: notices it raised itself, and those that an earlier one left behind. What another invocation of
 * the same tick raised is that one's to tell.
 *
 * A certificate that several targets share is told of once: the incident that opened first speaks for all of them, and its end is
 * told when it has ended for all.
 *
 * @param tick when the round was scheduled, epoch milliseconds
 * @param place where it happens: `almanac production`
 */
export function planDelivery(kept: readonly AppliedResult[], tick: number, place: string): DeliveryPlan {
  const told: (PendingNotification & { announcement: NotificationMessage })[] = [];
  const silent: PendingNotification[] = [];
  for (const { key: subject, state, writtenByThisRun: ours } of kept) {
    for (const notice of state.outbox) {
      if (notice.raisedAt >= tick && !ours) continue;
      const sharing = sharingSubjects(notice, kept);
      if (sharing !== undefined && sharing.speaker !== subject) silent.push({ monitor: subject, notification: notice });
      else
        told.push({ monitor: subject, notification: notice, announcement: announcementOf(subject, notice, sharing?.subjects ?? [], place) });
    }
  }
  return { deliver: told, suppressed: silent };
}

interface Sharing {
  /** Undefined: nobody speaks yet. */
  readonly speaker: string | undefined;
  readonly subjects: readonly string[];
}

/** Who shares the certificate that a notice is about, and who of them speaks. Each invocation of a tick comes to the same. */
function sharingSubjects({ kind, incident }: Notification, kept: readonly AppliedResult[]): Sharing | undefined {
  const { certificateFingerprint: fingerprint } = incident;
  if (fingerprint === undefined || kind === "removed") return undefined;
  const open = kept.filter(({ state }) => state.incident?.certificateFingerprint === fingerprint);
  const owing = kept.filter(({ state }) =>
    state.outbox.some((other) => other.kind === kind && other.incident.certificateFingerprint === fingerprint),
  );
  if (kind === "closed") {
    const subjects = owing.map(({ key: subject }) => subject).sort();
    return { speaker: open.length === 0 ? subjects[0] : undefined, subjects };
  }
  const openedAt = ({ state }: AppliedResult): number => (state.incident ?? state.outbox[0]?.incident ?? incident).openedAt;
  const all = [...new Set([...open, ...owing])].sort(
    (a, b) => openedAt(a) - openedAt(b) || (a.key < b.key ? -1 : 1),
  );
  const subjects = all.map(({ key: subject }) => subject);
  return { speaker: subjects[0], subjects };
}

/** SNS takes no longer subject, and no other than ASCII. */
const LONGEST_TITLE = 99;

const HEADLINES: Readonly<Record<Notification["kind"], string>> = {
  opened: "DOWN",
  reminder: "STILL DOWN",
  closed: "UP again",
  removed: "NO LONGER WATCHED",
};

function announcementOf(subject: string, notice: Notification, sharing: readonly string[], place: string): NotificationMessage {
  const { kind, incident, raisedAt, closedAt } = notice;
  const what = sharing.length > 1 ? `${sharing.length} targets with one certificate` : subject;
  const lines = [
    `${what}: ${incident.message}`,
    ...(sharing.length > 1 ? [`Targets: ${sharing.join(", ")}`] : []),
    `Since ${iso(incident.openedAt)}`,
    ...(closedAt === undefined ? [] : [`Until ${iso(closedAt)} (${duration(closedAt - incident.openedAt)})`]),
    ...(kind === "removed" ? ["It is not known to be up: it was removed from the configuration"] : []),
    ...(kind === "reminder" ? [`Open for ${duration(raisedAt - incident.openedAt)}`] : []),
    ...(incident.certificateFingerprint === undefined
      ? []
      : [`Certificate SHA-256 ${incident.certificateFingerprint}`]),
  ];
  return {
    id: [incidentId(subject, incident), kind, ...(kind === "reminder" ? [iso(raisedAt)] : [])].join("."),
    title: `[${place}] ${HEADLINES[kind]}: ${what}`.slice(0, LONGEST_TITLE),
    text: lines.join("\n"),
  };
}

/** The same wherever an incident is spoken of: `site.2026-11-21T06:55:00Z`. */
export function incidentId(subject: string, { openedAt }: Pick<Incident, "openedAt">): string {
  return `${subject.replace("/", ".")}.${iso(openedAt)}`;
}

/** `2026-11-21T06:55:00Z` */
function iso(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `1 d 2 h`, `2 h 5 min`, `5 min` */
function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const parts = [
    [Math.floor(minutes / 1_440), "d"],
    [Math.floor((minutes % 1_440) / 60), "h"],
    [minutes % 60, "min"],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).slice(0, 2);
  return shown.length === 0 ? "0 min" : shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}
