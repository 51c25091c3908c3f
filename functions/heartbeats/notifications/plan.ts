/** Which messages a notifier gets: what changed, merged, and digested where it is much. */
import { groupBy } from "../../shared/group-by";
import { visible } from "../../shared/text";
import { MINUTE_MS, isoSeconds } from "../../shared/time";
import type { AppliedResult } from "../monitors/apply-results";
import { incidentId, NOTIFIED_CHANGES } from "../monitors/incidents";
import { monitorKey, type Monitor } from "../monitors/policy";
import type { Incident, Notification } from "../monitors/state";

/** A notification in the outbox of a monitor's state. */
export interface PendingNotification {
  readonly monitor: string;
  readonly notification: Notification;
}

export interface NotificationMessage {
  /** Stays the same when the same message is sent again, so that recipients can recognise a duplicate. */
  readonly id: string;
  /** One line of ASCII. */
  readonly title: string;
  readonly text: string;
  /** What the message tells: delivered with it. */
  readonly parts: readonly PendingNotification[];
  /** The same for programs: one for each incident. */
  readonly details: readonly NotificationDetail[];
  /** To the status page and to the runbook. */
  readonly links: Pick<PlanOptions, "pageUrl" | "runbookUrl">;
}

/** Times are ISO 8601, UTC. */
export interface NotificationDetail {
  /** A target's name, `cron/<name>`, or `checker/...`. */
  readonly monitor: string;
  readonly url: string | null;
  /** What happened last. */
  readonly event: Notification["kind"];
  readonly severity: Incident["severity"];
  readonly cause: string;
  readonly since: string;
  readonly until: string | null;
}

export interface PlanOptions {
  /** `almanac production` */
  readonly source: string;
  /** URL of the status page. @default no link */
  readonly pageUrl?: string | undefined;
  /** URL of the runbook. @default no link */
  readonly runbookUrl?: string | undefined;
}

export interface PlanContext {
  readonly monitors: readonly Pick<Monitor, "key" | "url">[];
  /** More messages are one digest. */
  readonly digestAbove: number;
}

export interface DeliveryPlan {
  /** In the order of events. */
  readonly messages: readonly NotificationMessage[];
  /** Reminders that another one covers, or that are no longer true. */
  readonly covered: readonly PendingNotification[];
}

/** All that a notifier has not yet delivered about one incident. */
interface Report {
  readonly monitor: string;
  readonly latest: Notification;
  /** Whether this notifier has yet to tell that the incident opened. */
  readonly isNew: boolean;
  readonly parts: readonly PendingNotification[];
}

/**
 * Merges without discarding: what is pending about one incident is one message, and so are incidents of one certificate that changed
 * alike in one run. Depends on the states only, so a repeated plan has the same messages.
 */
export function planDelivery(
  applied: readonly AppliedResult[],
  notifier: string,
  { monitors, digestAbove }: PlanContext,
  options: PlanOptions,
): DeliveryPlan {
  const pending = applied.flatMap(({ key, state }) =>
    state.outbox
      .filter(({ deliveredBy }) => !deliveredBy.includes(notifier))
      .map((notification) => ({ monitor: key, notification })),
  );
  const open = openIncidents(applied);
  const [covered, others] = partition(pending, (each) => isCovered(each, open));
  const reports = reportsOf(others);
  const merged = mergeCertificates(reports);
  const urls = new Map(monitors.map(({ key, url }) => [key, url]));
  const messages =
    merged.length > digestAbove
      ? [digest(reports, urls, options)]
      : merged.map((group) => messageOf(group, open, urls, options));
  return { messages, covered };
}

interface OpenIncidents {
  readonly byMonitor: ReadonlyMap<string, Incident>;
  /** Monitors by the fingerprint of the certificate that is the only reason, oldest incident first. */
  readonly byCertificate: ReadonlyMap<string, readonly string[]>;
}

function openIncidents(applied: readonly AppliedResult[]): OpenIncidents {
  const open = applied.flatMap(({ key, state: { incident } }) => (incident === undefined ? [] : [{ key, incident }]));
  const oldestFirst = open
    .filter(({ incident }) => incident.certificateFingerprint !== undefined)
    .sort((a, b) => a.incident.openedAt - b.incident.openedAt || (a.key < b.key ? -1 : 1));
  const groups = groupBy(oldestFirst, ({ incident }) => incident.certificateFingerprint ?? "");
  return {
    byMonitor: new Map(open.map(({ key, incident }) => [key, incident])),
    byCertificate: new Map([...groups].map(([fingerprint, group]) => [fingerprint, group.map(({ key }) => key)])),
  };
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [Item[], Item[]] {
  const parts: [Item[], Item[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}

/** A reminder is false once its incident is over, and superfluous where the oldest incident of the certificate is reminded of. */
function isCovered({ monitor, notification: { kind, incident } }: PendingNotification, open: OpenIncidents): boolean {
  if (kind !== "reminder") return false;
  const own = open.byMonitor.get(monitor);
  if (own?.openedAt !== incident.openedAt || own.reason !== incident.reason) return true;
  const [oldest = monitor] = openWithCertificate(incident, open);
  return oldest !== monitor;
}

function openWithCertificate({ certificateFingerprint = "" }: Incident, open: OpenIncidents): readonly string[] {
  return open.byCertificate.get(certificateFingerprint) ?? [];
}

function reportsOf(pending: readonly PendingNotification[]): readonly Report[] {
  const byIncident = groupBy(pending, ({ monitor, notification }) => incidentId(monitor, notification.incident));
  return [...byIncident.values()]
    .flatMap((parts): Report[] => {
      const [{ monitor, notification: latest } = { monitor: "", notification: undefined }] = parts.slice(-1);
      if (latest === undefined) return [];
      return [{ monitor, latest, isNew: parts.some(({ notification: { kind } }) => kind === "opened"), parts }];
    })
    .sort((a, b) => a.latest.raisedAt - b.latest.raisedAt || (a.monitor < b.monitor ? -1 : 1));
}

/** Reports of one certificate that say the same about the same run are one. */
function mergeCertificates(reports: readonly Report[]): readonly (readonly Report[])[] {
  const groups = groupBy(reports, ({ monitor, isNew, latest: { kind, raisedAt, incident } }) =>
    incident.certificateFingerprint === undefined || kind === "removed"
      ? `${monitor} ${incident.openedAt}`
      : [kind, isNew, raisedAt, incident.severity, incident.certificateFingerprint].join(" "),
  );
  return [...groups.values()];
}

/** SNS: an email subject is ASCII of less than 100 characters. */
const MAX_TITLE_LENGTH = 99;

/** Slack shows 4,000 characters without folding. */
const MAX_LIST_LENGTH = 3_000;

function messageOf(
  group: readonly Report[],
  open: OpenIncidents,
  urls: ReadonlyMap<string, string | undefined>,
  options: PlanOptions,
): NotificationMessage {
  const [first] = group;
  if (first === undefined) throw new RangeError("a message has at least one report");
  const { monitor, latest } = first;
  const { kind, incident, raisedAt, closedAt } = latest;
  const names = group.map((report) => report.monitor);
  const label = group.length > 1 ? `${group.length} targets with one certificate` : labelOf(monitor);
  const others = openWithCertificate(incident, open).filter((key) => !names.includes(key));
  const also = kind === "opened" && others.length > 0 ? "NOW ALSO " : "";
  const lines = [
    `${label}: ${visible(incident.message)}`,
    ...(group.length > 1 ? [`Targets: ${listOf(names)}`] : []),
    ...(others.length > 0 ? [`Not up, same certificate: ${listOf(others)}`] : []),
    ...incident.changes
      .slice(-NOTIFIED_CHANGES)
      .map(({ until, severity, message }) => `Until ${isoSeconds(until)}: ${severity}, ${visible(message)}`),
    `Since ${isoSeconds(incident.openedAt)}`,
    ...(closedAt === undefined ? [] : [`Until ${isoSeconds(closedAt)} (${duration(closedAt - incident.openedAt)})`]),
    ...(kind === "removed" ? ["Removed from the configuration, not known to be up"] : []),
    ...(kind === "reminder" ? [`Open for ${duration(raisedAt - incident.openedAt)}`] : []),
    ...(incident.certificateFingerprint === undefined
      ? []
      : [`Certificate SHA-256 ${incident.certificateFingerprint}`]),
    ...(group.length === 1 && urls.get(monitor) !== undefined ? [`URL: ${urls.get(monitor) ?? ""}`] : []),
    ...linksOf(options),
  ];
  return {
    id: [incidentId(monitor, incident), kind, ...(isRepeatable(kind) ? [isoSeconds(raisedAt)] : [])].join("."),
    title: `[${options.source}] ${also}${headline(first)}: ${label}`.slice(0, MAX_TITLE_LENGTH),
    text: lines.join("\n"),
    ...contentOf(group, urls, options),
  };
}

function contentOf(
  reports: readonly Report[],
  urls: ReadonlyMap<string, string | undefined>,
  { pageUrl, runbookUrl }: PlanOptions,
): Pick<NotificationMessage, "parts" | "details" | "links"> {
  return {
    parts: reports.flatMap(({ parts }) => parts),
    details: reports.map(({ monitor, latest: { kind, incident, closedAt } }) => ({
      monitor,
      url: urls.get(monitor) ?? null,
      event: kind,
      severity: incident.severity,
      cause: visible(incident.message),
      since: isoSeconds(incident.openedAt),
      until: closedAt === undefined ? null : isoSeconds(closedAt),
    })),
    links: { pageUrl, runbookUrl },
  };
}

function isRepeatable(kind: Notification["kind"]): boolean {
  return kind === "reminder" || kind === "changed";
}

function digest(
  reports: readonly Report[],
  urls: ReadonlyMap<string, string | undefined>,
  options: PlanOptions,
): NotificationMessage {
  const byHeadline = [...groupBy(reports, headline)];
  const counts = byHeadline.map(([text, { length }]) => `${length} ${text}`).join(", ");
  const last = Math.max(...reports.map(({ latest }) => latest.raisedAt));
  const [first] = reports;
  const lines = byHeadline.map(
    ([text, group]) => `${text}: ${listOf(counted(group.map(({ monitor }) => labelOf(monitor))))}`,
  );
  return {
    id: `digest.${first === undefined ? "" : incidentId(first.monitor, first.latest.incident)}.${reports.length}.${isoSeconds(last)}`,
    title: `[${options.source}] ${counts}`.slice(0, MAX_TITLE_LENGTH),
    text: [...lines, ...linksOf(options)].join("\n"),
    ...contentOf(reports, urls, options),
  };
}

/** `DOWN`, `NOW DEGRADED`, `STILL DOWN`, `UP again` */
function headline({ monitor, isNew, latest: { kind, incident } }: Report): string {
  if (monitor === monitorKey.maintenance) return MAINTENANCE_HEADLINES[kind];
  const now = monitor === monitorKey.network ? "OFFLINE" : incident.severity.toUpperCase();
  switch (kind) {
    case "opened":
      return now;
    case "changed":
      if (isNew) return now;
      return incident.changes.at(-1)?.severity === incident.severity ? `STILL ${now}, other reason` : `NOW ${now}`;
    case "reminder":
      return `STILL ${now}`;
    case "closed":
      return isNew ? `WAS ${now}, UP again` : "UP again";
    case "removed":
      return "NO LONGER MONITORED";
  }
}

const MAINTENANCE_HEADLINES: Readonly<Record<Notification["kind"], string>> = {
  opened: "MAINTENANCE BEGINS",
  changed: "MAINTENANCE",
  reminder: "MAINTENANCE",
  closed: "MAINTENANCE OVER",
  removed: "MAINTENANCE OVER",
};

const CHECKER_LABELS: ReadonlyMap<string, string> = new Map([
  [monitorKey.network, "the checker's own network"],
  [monitorKey.maintenance, "as announced"],
]);

function labelOf(monitor: string): string {
  return CHECKER_LABELS.get(monitor) ?? monitor;
}

function linksOf({ pageUrl, runbookUrl }: PlanOptions): readonly string[] {
  return [
    ...(pageUrl === undefined ? [] : [`Status page: ${pageUrl}`]),
    ...(runbookUrl === undefined ? [] : [`Runbook: ${runbookUrl}`]),
  ];
}

/** A notifier that was dead for long has missed many incidents of one monitor: `a (3 times)`. */
function counted(names: readonly string[]): readonly string[] {
  const groups = groupBy(names, (name) => name);
  return [...groups].map(([name, { length }]) => (length === 1 ? name : `${name} (${length} times)`));
}

/** `a, b, c and 12 more` */
function listOf(names: readonly string[]): string {
  let length = 0;
  const shown = names.filter((name) => (length += name.length + 2) <= MAX_LIST_LENGTH);
  return shown.length === names.length
    ? names.join(", ")
    : `${shown.join(", ")} and ${names.length - shown.length} more`;
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
