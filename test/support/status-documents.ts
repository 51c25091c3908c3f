/** Documents of the status page. */
import { seeded } from "./random";
import type { Outcome } from "../../functions/heartbeats/contract";
import { targetResult } from "../../functions/heartbeats/monitors/check-result";
import {
  lastCheckOf,
  type DaySummary,
  type HourSummary,
  type IncidentSummary,
  type MonitorStatus,
  type StatusDocument,
  type WindowSummary,
} from "../../functions/heartbeats/status-page/document";
import { DAY_MS, HOUR_MS } from "../../functions/shared/time";

const UP: Shares = { up: 1, degraded: 0, down: 0, maintenance: 0, noData: 0 };

type Shares = Omit<DaySummary, "date">;

/** The documents' default time. */
export const GENERATED_AT = "2026-11-21T06:55:04Z";

export interface TargetOptions {
  readonly state?: MonitorStatus["state"];
  /** Fractions of days that were not up, by number of days ago. */
  readonly days?: Readonly<Record<number, Partial<Shares>>>;
  /** Days since it was first known. @default 90 */
  readonly knownDays?: number;
  /** Median. @default 84 */
  readonly latencyMs?: number;
  /** Hours without checks, by number of hours ago. @default none */
  readonly silentHours?: readonly number[];
  readonly certificateDaysLeft?: number | null;
  readonly message?: string;
  readonly generatedAt?: string;
  readonly title?: string;
  readonly description?: string;
  readonly group?: string;
}

/** By default up for 90 days, with a latency of 84 ms. */
export function monitorStatus(name: string, options: TargetOptions = {}): MonitorStatus {
  const { state = "up", knownDays = 90, latencyMs = 84, generatedAt = GENERATED_AT } = options;
  const now = Date.parse(generatedAt);
  const days = Array.from({ length: 90 }, (_, index): DaySummary => {
    const ago = 89 - index;
    const date = new Date(now - ago * DAY_MS).toISOString().slice(0, 10);
    if (ago >= knownDays) return { date, up: 0, degraded: 0, down: 0, maintenance: 0, noData: 0 };
    const other = { degraded: 0, down: 0, maintenance: 0, noData: 0, ...options.days?.[ago] };
    return { date, ...UP, ...other, up: 1 - other.degraded - other.down - other.maintenance - other.noData };
  });
  const hours = Array.from({ length: 25 }, (_, index): HourSummary => {
    const ago = 24 - index;
    const start = new Date(Math.floor(now / HOUR_MS) * HOUR_MS - ago * HOUR_MS).toISOString().replace(".000", "");
    if (knownDays === 0 || options.silentHours?.includes(ago)) return { start, p50Ms: null, p95Ms: null };
    const wave = 1 + 0.25 * Math.sin(index / 3 + name.length) + 0.1 * Math.sin(index * 2.3 + latencyMs);
    return {
      start,
      p50Ms: latencyMs * wave,
      p95Ms: latencyMs * wave * (2 + 0.6 * Math.sin(index * 1.7 + name.length)),
    };
  });
  const window = (length: number): WindowSummary => {
    const last = days.slice(-length);
    const [up, down, noData] = (["up", "down", "noData"] as const).map((share) =>
      last.reduce((total, each) => total + each[share], 0),
    ) as [number, number, number];
    if (up + down === 0) return { uptime: null, coverage: null, p50Ms: null, p95Ms: null, p99Ms: null };
    const coverage = 1 - noData / Math.min(length, knownDays);
    return { uptime: up / (up + down), coverage, p50Ms: latencyMs, p95Ms: latencyMs * 2.2, p99Ms: latencyMs * 3.1 };
  };
  const certificateDaysLeft =
    options.certificateDaysLeft === undefined ? 61 : (options.certificateDaysLeft ?? undefined);
  const certificate = certificateDaysLeft !== undefined && { certificateDaysLeft };
  const { message = "status 503, expected 200-299" } = options;
  const outcome: Outcome =
    state === "down"
      ? { ok: false, reason: "status", message, status: 503, ...certificate }
      : { ok: true, status: 200, ...certificate };
  return {
    name,
    title: options.title ?? name,
    description: options.description ?? null,
    group: options.group ?? null,
    monitoredSince: knownDays === 0 ? null : new Date(now - (knownDays - 1) * DAY_MS).toISOString(),
    kind: "target",
    state,
    since: knownDays === 0 ? null : state === "up" ? "2026-08-23T11:20:00Z" : "2026-11-21T06:12:00Z",
    lastCheck: knownDays === 0 ? null : lastCheckOf(targetResult({ target: name, at: now, latencyMs, outcome })),
    windows: { "24h": window(1), "7d": window(7), "30d": window(30), "90d": window(90) },
    days,
    hours,
  };
}

export function statusDocument(
  monitors: readonly MonitorStatus[],
  overrides: Partial<StatusDocument> = {},
): StatusDocument {
  return {
    version: 1,
    app: "almanac",
    environment: "staging",
    title: "almanac staging",
    generatedAt: GENERATED_AT,
    intervalSeconds: 300,
    monitors,
    incidents: [],
    maintenance: [],
    ...overrides,
  };
}

/** A document with every state that a page can show. */
export function variedDocument(overrides: Partial<StatusDocument> = {}): StatusDocument {
  const generatedAt = overrides.generatedAt ?? GENERATED_AT;
  const target = (name: string, options: TargetOptions = {}) => monitorStatus(name, { generatedAt, ...options });
  const incident = (monitor: string, openedAt: string, closedAt: string | null, message: string): IncidentSummary => ({
    id: `${monitor}-${openedAt}`,
    monitor,
    openedAt,
    closedAt,
    severity: "down",
    message,
    timeline: [
      { at: openedAt, kind: "opened", text: `Down: ${message}` },
      ...(monitor === "website" || closedAt === null
        ? [{ at: openedAt, kind: "identified" as const, text: "A disk of the database is full.\nWe are making room." }]
        : []),
      ...(closedAt === null ? [] : [{ at: closedAt, kind: "closed" as const, text: "Up again" }]),
    ],
  });
  return statusDocument(
    [
      target("website", { days: { 12: { down: 0.02 }, 47: { down: 0.21 } } }),
      target("checkout-api", { state: "down", latencyMs: 212, days: { 0: { down: 0.11 }, 31: { noData: 0.4 } } }),
      target("search", { state: "maintenance", days: { 0: { maintenance: 0.3 }, 28: { maintenance: 0.08 } } }),
      target("mail", {
        certificateDaysLeft: 5,
        latencyMs: 1240,
        days: { 3: { noData: 1 }, 4: { noData: 1 }, 5: { noData: 0.6 } },
      }),
      target("nightly-backup", {
        state: "unknown",
        certificateDaysLeft: null,
        silentHours: [0, 1, 2, 3, 4, 5],
        days: { 0: { noData: 0.8 } },
      }),
      target("docs", {
        knownDays: 21,
        latencyMs: 32,
        days: { 9: { down: 1 }, 8: { down: 0.6 } },
        silentHours: [7, 8, 9, 11],
      }),
      target("brand-new", { state: "unknown", knownDays: 0 }),
    ],
    {
      incidents: [
        incident("checkout-api", "2026-11-21T06:12:00Z", null, "status 503, expected 200-299"),
        incident("docs", "2026-11-12T00:00:00Z", "2026-11-13T14:20:00Z", "the name does not resolve"),
        incident("website", "2026-11-09T10:05:00Z", "2026-11-09T10:34:00Z", "no complete response within 10 s"),
        incident("website", "2026-10-05T18:40:00Z", "2026-10-05T23:41:00Z", "the connection fails"),
      ],
      ...overrides,
    },
  );
}

/** Thirty monitors of a company, in groups, with what happens in 90 days. */
export function companyDocument(overrides: Partial<StatusDocument> = {}): StatusDocument {
  const generatedAt = overrides.generatedAt ?? GENERATED_AT;
  const monitors = Object.entries(COMPANY).flatMap(([group, entries]) =>
    entries.map(([title, options]) => {
      const name = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
      return monitorStatus(name, { generatedAt, title, group, ...options });
    }),
  );
  const varied = variedDocument({ generatedAt });
  const names = ["checkout-api", "sign-in", "website", "order-search"];
  const incidents = varied.incidents.map((incident, index) => ({ ...incident, monitor: names[index] ?? "website" }));
  const maintenance = [
    {
      from: "2026-11-23T22:00:00Z",
      to: "2026-11-24T01:00:00Z",
      note: "We move the order database to new disks. Orders are accepted, and confirmed when we are done.",
      monitors: ["checkout-api", "order-search"],
    },
  ];
  return statusDocument(monitors, { title: "Lindwurm Books", incidents, maintenance, ...overrides });
}

const COMPANY: Readonly<Record<string, readonly (readonly [title: string, options: TargetOptions])[]>> = {
  Shop: [
    [
      "Website",
      { description: "The shop window: www.lindwurm.example", days: { 12: { down: 0.02 }, 47: { down: 0.21 } } },
    ],
    [
      "Checkout API",
      {
        state: "down",
        latencyMs: 212,
        description: "Orders and payments.",
        days: { 0: { down: 0.11 }, 31: { noData: 0.4 } },
      },
    ],
    ["Order search", { latencyMs: 95, days: { 46: { down: 0.2 }, 20: { degraded: 0.1 } } }],
    ["Basket", {}],
    ["Recommendations", { state: "degraded", latencyMs: 870, days: { 0: { degraded: 0.3 }, 1: { degraded: 0.1 } } }],
    ["Image service", { latencyMs: 41 }],
    ["Gift cards", { days: { 61: { down: 0.004 } } }],
    ["Price feed", {}],
  ],
  Accounts: [
    ["Sign-in", { days: { 9: { down: 0.6 }, 8: { down: 0.2 } } }],
    ["Profile API", {}],
    ["Newsletter", { certificateDaysLeft: 5 }],
    ["Customer data export and right-of-access requests", { days: { 33: { maintenance: 0.1 } } }],
    ["Webhooks", {}],
    ["Partner API", { days: { 70: { down: 0.01 }, 71: { down: 0.03 } } }],
  ],
  Warehouse: [
    ["Stock levels", { state: "maintenance", days: { 0: { maintenance: 0.3 }, 28: { maintenance: 0.08 } } }],
    ["Label printing", {}],
    ["Carrier tracking", { days: { 3: { noData: 1 }, 4: { noData: 1 }, 5: { noData: 0.6 } } }],
    ["Returns", {}],
    ["Scanner gateway", { knownDays: 21 }],
    ["Conveyor telemetry", { state: "unknown", knownDays: 0 }],
  ],
  "Office and internal": [
    ["Wiki", {}],
    ["Mail", { latencyMs: 1240 }],
    ["VPN", {}],
    ["Build server", { days: { 15: { degraded: 0.5 } } }],
    ["Package registry", {}],
    ["Payroll", {}],
    ["Single sign-on", {}],
    ["Backups", { days: { 40: { down: 1 } } }],
    ["Chat bridge", {}],
    ["Telephony", {}],
  ],
};

/**
 * Many targets over 90 days: of every ten, six without a failure, three with a few bad days, and one that is often down or
 * unchecked. Deterministic.
 */
export function largeDocument(targets: number, overrides: Partial<StatusDocument> = {}): StatusDocument {
  const generatedAt = overrides.generatedAt ?? GENERATED_AT;
  const random = seeded(20_261_121);
  const all = Array.from({ length: targets }, (_, index) => {
    const kind = index % 10;
    const badDays = kind < 6 ? 0 : kind < 9 ? 1 + Math.floor(random() * 4) : 25;
    const days = Object.fromEntries(
      Array.from({ length: badDays }, (): [number, Partial<Shares>] => {
        const share = Math.round(random() * 3000) / 10_000;
        return [Math.floor(random() * 90), random() < 0.6 ? { down: share } : { noData: share }];
      }),
    );
    return monitorStatus(`service-${index + 1}`, { days, latencyMs: 40 + Math.round(random() * 300), generatedAt });
  });
  const incidents = Array.from({ length: 60 }, (_, index): IncidentSummary => {
    const opened = Date.parse(generatedAt) - (index + 1) * 1.4 * DAY_MS;
    const closed = opened + Math.round(random() * 200) * 60_000;
    return {
      id: `incident-${index}`,
      monitor: `service-${1 + Math.floor(random() * targets)}`,
      openedAt: new Date(opened).toISOString(),
      closedAt: new Date(closed).toISOString(),
      severity: "down",
      message: "status 503, expected 200-299",
      timeline: [],
    };
  });
  return statusDocument(all, { incidents, ...overrides });
}
