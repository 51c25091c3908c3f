/** Views of a console as its server sends them: a busy environment at a fixed time. */
import type { Query, TimersView, TimerSummary, ViewName, Views } from "../../scripts/console/contract";
import { drawingsOf } from "../../scripts/console/architecture/layout";
import { graphOf } from "../../scripts/console/architecture/graph";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../functions/shared/time";
import { consoleResources } from "./console-resources";
import { monitorStatus, variedDocument } from "./status-documents";

/** When the views are of. */
export const CONSOLE_NOW = "2026-11-21T06:56:00.000Z";
const NOW = Date.parse(CONSOLE_NOW);
const at = (ms: number) => new Date(NOW + ms).toISOString();

export type FakeViews = { readonly [Name in ViewName]: (query: Query) => Promise<Views[Name]> };

export interface FakeViewsOptions {
  /** Text in the place of each name and message that comes from outside. @default ordinary ones */
  readonly hostile?: string;
  readonly timers?: number;
  /** @default 60 s: a test waits for nothing */
  readonly pollMs?: number;
}

/** Of {@link CONSOLE_NOW}. A view can be replaced. */
export function fakeViews({ hostile, timers = 40, pollMs = 60_000 }: FakeViewsOptions = {}): FakeViews {
  const text = (ordinary: string) => hostile ?? ordinary;
  const document = variedDocument();
  const all = sampleTimers(timers, text);
  return {
    environment: () =>
      Promise.resolve({
        name: "local",
        app: "almanac",
        features: ["heartbeats", "timers", "exports", "pipelines", "workflows"],
        now: CONSOLE_NOW,
        pollMs,
      }),
    overview: () =>
      Promise.resolve({
        features: [
          { name: "heartbeats", health: "down", headline: "1 of 7 is down" },
          { name: "timers", health: "degraded", headline: `2 of ${timers} are late` },
          { name: "exports", health: "up", headline: "No failures" },
          { name: "pipelines", health: "down", headline: "2 dead letters" },
          { name: "workflows", health: "up", headline: "No failures" },
        ],
        failed: [
          {
            feature: "heartbeats",
            severity: "down",
            title: text("shop is down"),
            detail: text("status 503, expected 200-299"),
            at: at(-12 * MINUTE_MS),
            href: "/heartbeats/shop",
          },
          {
            feature: "pipelines",
            severity: "down",
            title: "2 dead letters",
            detail: text("almanac-local-pipelines-job-order-dlq"),
          },
          {
            feature: "workflows",
            severity: "degraded",
            title: text("order-17 has failed"),
            detail: text("PaymentRefused: no funds"),
            at: at(-30_000),
          },
        ],
        late: [
          {
            feature: "timers",
            severity: "degraded",
            title: "2 timers have not fired in time",
            detail: text("timer-0003, timer-0011"),
            at: at(-3 * MINUTE_MS),
            href: "/timers?state=late",
          },
        ],
        recent: [
          ["timers-dispatch", 41],
          ["heartbeats-check", 1_320],
          ["heartbeats-publish", 212],
          ["timers-callback", 9],
          ["pipelines-job-order-ingress", 12],
          ["pipelines-send", 340],
        ].map(([functionName, durationMs], index) => ({
          functionName: String(functionName),
          requestId: `7f1c0e0a-0000-4000-8000-00000000000${index}`,
          at: at(-2_000 - index * 7_000),
          ok: index !== 3,
          durationMs: Number(durationMs),
        })),
        next: [
          {
            feature: "timers",
            title: text("sample-heartbeat"),
            detail: "every 1 minute",
            at: at(12_000),
            href: "/timers/periodic/sample-heartbeat",
          },
          {
            feature: "heartbeats",
            title: "heartbeats-check",
            detail: "rate(1 minute)",
            at: at(40_000),
          },
          {
            feature: "timers",
            title: text("sample-report"),
            detail: "cron 0 9 ? * MON-FRI * (Europe/Berlin)",
            at: at(63 * MINUTE_MS),
            href: "/timers/periodic/sample-report",
          },
          {
            feature: "exports",
            title: "exports-start-export",
            detail: "cron(0 17 * * ? *)",
            at: at(10 * HOUR_MS),
          },
        ],
        unread: [],
      }),
    architecture: () =>
      Promise.resolve({
        drawings: drawingsOf(graphOf(consoleResources(), "almanac-local-"), [
          "heartbeats",
          "timers",
          "exports",
          "pipelines",
          "workflows",
        ]),
      }),
    activity: () =>
      Promise.resolve({
        functions: {
          "timers-dispatch": { lastAt: at(-1_000), runs: 4, errors: 0 },
          "heartbeats-check": { lastAt: at(-20_000), runs: 1, errors: 0 },
          "timers-callback": { lastAt: at(-2_000), runs: 3, errors: 1 },
        },
      }),
    heartbeats: () =>
      Promise.resolve({
        generatedAt: document.generatedAt,
        isStale: false,
        monitors: document.monitors.map((monitor, index) =>
          hostile !== undefined && index === 0 && monitor.lastCheck !== null
            ? { ...monitor, state: "down", lastCheck: { ...monitor.lastCheck, ok: false, message: hostile } }
            : monitor,
        ),
        incidents: document.incidents.map((incident) => ({ ...incident, message: text(incident.message) })),
      }),
    monitor: ({ name = "website" }) =>
      Promise.resolve({
        monitor: monitorStatus(name, { days: { 12: { down: 0.02 }, 40: { degraded: 0.1 } } }),
        incidents: document.incidents.slice(0, 2).map((incident) => ({ ...incident, message: text(incident.message) })),
        days: series(90, 24 * HOUR_MS),
        hours: series(24 * 7, HOUR_MS),
        checks: Array.from({ length: 30 }, (_, index) => ({
          at: at(-index * MINUTE_MS),
          ok: index !== 4,
          latencyMs: 80 + ((index * 37) % 50),
          reason: index === 4 ? text("status: got 503, expected 200-299") : "status 200",
        })),
      }),
    timers: (query) => Promise.resolve(timersView(all, query)),
    timer: ({ kind = "periodic", id = "" }) =>
      Promise.resolve({
        timer: {
          ...sampleTimer(Number(id.slice(-4)) || 0, text),
          kind: kind === "oneshot" ? "oneshot" : "periodic",
          id,
        },
        json: JSON.stringify({ id, timerCallbackData: text("tea") }, undefined, 2),
        preview: [1, 2, 3, 4, 5].map((index) => at(index * 15 * MINUTE_MS)),
        fires: [1, 2, 3].map((index) => ({
          dueAt: at(-index * 15 * MINUTE_MS),
          firedAt: at(-index * 15 * MINUTE_MS + 40 * index),
          latenessMs: 40 * index,
          durationMs: 12,
          outcome: "succeeded",
          fireId: `periodic#${id}#v1#${String(index)}`,
          version: "v1",
          attempts: index,
        })),
      }),
    lateness: () =>
      Promise.resolve({
        buckets: [50, 100, 200, 500, 1_000, 5_000, 60_000, null].map((upToMs, index) => ({
          upToMs,
          fires: [812, 204, 61, 12, 3, 1, 0, 0][index] ?? 0,
        })),
        fires: 1_093,
        p50Ms: 31,
        p99Ms: 188,
        isComplete: true,
      }),
  };
}

function series(length: number, stepMs: number) {
  const indexes = Array.from({ length }, (_, index) => index);
  const wave = (index: number) => 84 + 20 * Math.sin(index / 5) + ((index * 7919) % 17);
  return {
    at: indexes.map((index) => (NOW - (length - index) * stepMs) / SECOND_MS),
    p50: indexes.map((index) => (index % 41 === 40 ? null : Math.round(wave(index)))),
    p95: indexes.map((index) => (index % 41 === 40 ? null : Math.round(wave(index) * 2.1))),
  };
}

function sampleTimers(count: number, text: (ordinary: string) => string): readonly TimerSummary[] {
  return Array.from({ length: count }, (_, index) => sampleTimer(index, text));
}

function sampleTimer(index: number, text: (ordinary: string) => string): TimerSummary {
  const state =
    index === 3 || index === 11 ? "late" : index % 17 === 16 ? "disabled" : index % 23 === 22 ? "ended" : "scheduled";
  return {
    kind: index % 5 === 4 ? "oneshot" : "periodic",
    id: index === 0 ? text("timer-0000") : `timer-${String(index).padStart(4, "0")}`,
    schedule: index % 5 === 4 ? "once at 2026-11-22T09:00:00.000Z" : "every 15 minutes",
    state,
    shard: `shard${index % 2}`,
    nextFireAt: state === "late" ? at(-3 * MINUTE_MS) : state === "scheduled" ? at((index + 1) * 9 * SECOND_MS) : null,
  };
}

const WINDOW = 200;

function timersView(all: readonly TimerSummary[], { q = "", kind, state = "all", from = "0" }: Query): TimersView {
  const matching = all.filter((timer) => timer.id.includes(q) && (kind === undefined || timer.kind === kind));
  const count = (of: TimerSummary["state"]) => matching.filter((timer) => timer.state === of).length;
  const listed = state === "all" ? matching : matching.filter((timer) => timer.state === state);
  const first = Math.min(Number(from), Math.max(0, listed.length - WINDOW));
  return {
    counts: {
      all: matching.length,
      late: count("late"),
      scheduled: count("scheduled"),
      disabled: count("disabled"),
      ended: count("ended"),
    },
    total: listed.length,
    from: first,
    timers: listed.slice(first, first + WINDOW),
    queued: 12,
    deadLetters: 0,
    unreadable: [],
  };
}
