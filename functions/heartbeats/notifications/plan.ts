/** Which notices are told, to whom they were not told yet, and in which words. */
import { MINUTE_MS } from "../../shared/time";
import type { Kept } from "../monitors/apply-results";
import type { Incident, Notice } from "../monitors/state";

/** A notice, with the subject whose state holds it. */
export interface Owed {
  readonly subject: string;
  readonly notice: Notice;
}

/** What people are told. */
export interface Announcement {
  /** The same each time that it is sent: whoever gets it twice can tell. */
  readonly id: string;
  /** One line of ASCII. */
  readonly title: string;
  readonly text: string;
}

export interface Plan {
  readonly told: readonly (Owed & { readonly announcement: Announcement })[];
  /** Others speak for these: they are done with. */
  readonly silent: readonly Owed[];
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
export function planNotices(kept: readonly Kept[], tick: number, place: string): Plan {
  const told: (Owed & { announcement: Announcement })[] = [];
  const silent: Owed[] = [];
  for (const { subject, state, ours } of kept) {
    for (const notice of state.outbox) {
      if (notice.raisedAt >= tick && !ours) continue;
      const sharing = sharingSubjects(notice, kept);
      if (sharing !== undefined && sharing.speaker !== subject) silent.push({ subject, notice });
      else
        told.push({ subject, notice, announcement: announcementOf(subject, notice, sharing?.subjects ?? [], place) });
    }
  }
  return { told, silent };
}

interface Sharing {
  /** Undefined: nobody speaks yet. */
  readonly speaker: string | undefined;
  readonly subjects: readonly string[];
}

/** Who shares the certificate that a notice is about, and who of them speaks. Each invocation of a tick comes to the same. */
function sharingSubjects({ kind, incident }: Notice, kept: readonly Kept[]): Sharing | undefined {
  const { certificateFingerprint: fingerprint } = incident;
  if (fingerprint === undefined || kind === "removed") return undefined;
  const open = kept.filter(({ state }) => state.incident?.certificateFingerprint === fingerprint);
  const owing = kept.filter(({ state }) =>
    state.outbox.some((other) => other.kind === kind && other.incident.certificateFingerprint === fingerprint),
  );
  if (kind === "closed") {
    const subjects = owing.map(({ subject }) => subject).sort();
    return { speaker: open.length === 0 ? subjects[0] : undefined, subjects };
  }
  const openedAt = ({ state }: Kept): number => (state.incident ?? state.outbox[0]?.incident ?? incident).openedAt;
  const all = [...new Set([...open, ...owing])].sort(
    (a, b) => openedAt(a) - openedAt(b) || (a.subject < b.subject ? -1 : 1),
  );
  const subjects = all.map(({ subject }) => subject);
  return { speaker: subjects[0], subjects };
}

/** SNS takes no longer subject, and no other than ASCII. */
const LONGEST_TITLE = 99;

const HEADLINES: Readonly<Record<Notice["kind"], string>> = {
  opened: "DOWN",
  reminder: "STILL DOWN",
  closed: "UP again",
  removed: "NO LONGER WATCHED",
};

function announcementOf(subject: string, notice: Notice, sharing: readonly string[], place: string): Announcement {
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
  const minutes = Math.round(ms / MINUTE_MS);
  const parts = [
    [Math.floor(minutes / 1_440), "d"],
    [Math.floor((minutes % 1_440) / 60), "h"],
    [minutes % 60, "min"],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).slice(0, 2);
  return shown.length === 0 ? "0 min" : shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}
