/** Views of a console as its server sends them: a busy environment at a fixed time. */
import type { ClockView, Query, TimersView, TimerSummary, ViewName, Views } from "../../scripts/console/contract";
import { drawingsOf } from "../../scripts/console/architecture/layout";
import { graphOf } from "../../scripts/console/architecture/graph";
import { machineView } from "../../scripts/console/architecture/machine";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../functions/shared/time";
import { consoleResources, TASK_MACHINE } from "./console-resources";
import { historyOf } from "./machine-history";
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
  readonly canWrite?: boolean;
  /** @default the machine's time */
  readonly clock?: Partial<ClockView>;
  /** @default 60 s: a test waits for nothing */
  readonly pollMs?: number;
}

/** Of {@link CONSOLE_NOW}. A view can be replaced. */
export function fakeViews({
  hostile,
  timers = 40,
  canWrite = true,
  clock = {},
  pollMs = 60_000,
}: FakeViewsOptions = {}): FakeViews {
  const text = (ordinary: string) => hostile ?? ordinary;
  const document = variedDocument();
  const all = sampleTimers(timers, text);
  const run = (index: number) => ({
    export: text("orders"),
    id: at(-index * 24 * HOUR_MS),
    day: at(-index * 24 * HOUR_MS).slice(0, 10),
    trigger: "schedule",
    status: index === 1 ? ("FAILED" as const) : ("SUCCEEDED" as const),
    startedAt: at(-index * 24 * HOUR_MS),
    finishedAt: at(-index * 24 * HOUR_MS + 45 * SECOND_MS),
    items: 12_345_678,
    bytes: 1_234_567_890,
    location: text("s3://almanac-local-exports/orders/dt=2026-11-21/"),
    ...(index === 1 && { error: text("TableNotFound: the table does not exist") }),
  });
  const summary = { name: text("orders"), table: text("shop-orders"), kind: "full, ndjson, gzip", last: run(0) };
  const pipeline = {
    name: "jobOrder",
    endpoint: "https://abc.execute-api.eu-central-1.amazonaws.com/live/pipelines/jobOrder",
    webhookUrl: "",
    slack: text("/almanac/slack/orders"),
    queued: 3,
    deadLetters: 2,
    waiting: 1,
  };
  const task = {
    workflow: "task",
    taskId: text("order-17"),
    status: "FAILED" as const,
    startedAt: at(-90_000),
    endedAt: at(-30_000),
    reason: text("PaymentRefused: no funds"),
  };
  const lines = Array.from({ length: 60 }, (_, index) => ({
    key: String(index),
    at: at((index - 60) * SECOND_MS),
    functionName: ["timers-dispatch", "heartbeats-check", "pipelines-job-order-ingress"][index % 3] ?? "",
    level: (["info", "info", "warn", "error"] as const)[index % 4] ?? "info",
    text: text(["dispatched", "run finished", "accepted"][index % 3] ?? ""),
    fields: [
      ["shard", "shard0"],
      ["detail", text("all well")],
    ] as const,
  }));
  return {
    environment: () =>
      Promise.resolve({
        name: "local",
        app: "almanac",
        canWrite,
        where: { "--env": "local" },
        features: ["heartbeats", "timers", "schedules", "exports", "pipelines", "workflows"],
        now: CONSOLE_NOW,
        pollMs,
        clock: { aheadMs: 0, isMoving: false, speed: 1, invocations: 0, failed: 0, ...clock },
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
            href: "/pipelines",
          },
          {
            feature: "workflows",
            severity: "degraded",
            title: text("order-17 has failed"),
            detail: text("PaymentRefused: no funds"),
            at: at(-30_000),
            href: "/workflows/task/order-17",
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
          feature: String(functionName).split("-")[0] ?? "",
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
            href: "/logs?name=heartbeats-check",
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
            href: "/exports",
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
        change: {
          ...{ id, shard: "shard0", version: "v1", every: "15 minutes", start: at(15 * MINUTE_MS), catchUp: "all" },
          ...{ overlap: "allow", maxAttempts: "8", history: "as its callback", data: JSON.stringify(text("tea")) },
        },
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
    exports: () => Promise.resolve({ exports: [summary], unreadable: [], runs: [0, 1, 2, 3].map(run) }),
    export: () =>
      Promise.resolve({
        export: summary,
        unreadable: [text("orders 2026-11-21T16:00:00.000Z")],
        runs: [0, 1, 2, 3].map(run),
        progress: { items: 4_000_000, tableItems: 12_000_000, bytes: 400_000_000, segments: 8, segmentsDone: 2 },
        manifest: {
          uri: text("s3://almanac-local-exports/orders/dt=2026-11-21/_manifest.json"),
          items: 12_345_678,
          bytes: 1_234_567_890,
          files: [0, 1, 2].map((part) => ({
            key: text(`orders/dt=2026-11-21/part-000${part}.ndjson.gz`),
            items: 4_115_226,
            bytes: 411_522_630,
          })),
          fileCount: 3,
        },
      }),
    pipelines: () => Promise.resolve({ pipelines: [pipeline] }),
    pipeline: ({ tab }) =>
      Promise.resolve({
        pipeline,
        messages: ["17", "18", "sample-1"].map((key, index) => ({
          key: text(key),
          version: "1",
          receivedAt: at(-index * 5 * MINUTE_MS - 20_000),
          summary: {
            Customer: text(["Ada Lovelace", "Grace Hopper", "Alan Turing"][index] ?? ""),
            Total: "1815.12",
            Status: text("open"),
          },
        })),
        ...(tab === "dead" && {
          deadLetters: [
            {
              id: "5f1f0d5e-8d3b-4a53-9d5b-1f6b0a3f6f7e",
              kind: "message",
              since: at(-HOUR_MS),
              causes: [text("MalformedMessageError: is not JSON")],
              body: text('{"jobOrderId": 17'),
            },
            {
              id: "6f1f0d5e-8d3b-4a53-9d5b-1f6b0a3f6f7e",
              kind: "changes",
              since: at(-2 * HOUR_MS),
              causes: [],
              body: text('{"DDBStreamBatchInfo": {"shardId": "shardId-1"}}'),
            },
          ],
        }),
      }),
    message: ({ key = "17" }) =>
      Promise.resolve({
        pipeline: "jobOrder",
        key,
        version: "1",
        data: JSON.stringify({ jobOrderId: key, customer: { name: text("Ada Lovelace") }, total: 1815.12 }),
        steps: [
          { name: "ingress", state: "done", at: at(-20_000), detail: text("message 5f1f0d5e, version 1") },
          { name: "queue", state: "done", at: at(-19_400), detail: "in a batch of 3" },
          { name: "row", state: "done", at: at(-19_300), detail: "version 1" },
          {
            name: "notification",
            state: "done",
            at: at(-18_900),
            detail: "the change is in the queue of notifications",
          },
          { name: "Slack", state: "waiting", detail: "it waits for Slack" },
        ],
        slack: {
          blocks: [
            { type: "header", texts: [text("Job order 17")] },
            { type: "section", texts: [], fields: [text("Customer\nAda Lovelace"), "Total\n1815.12", "Status\nopen"] },
            { type: "context", texts: ["new · version 1 · 2026-11-21T06:55:40.000Z · almanac-local"] },
          ],
        },
      }),
    tasks: ({ status = "FAILED", workflow = "task" }) =>
      Promise.resolve({
        workflows: ["task", "refund"],
        workflow,
        counts: {
          STARTED: { count: 2, isMore: false },
          FAILED: { count: 1, isMore: false },
          TIMED_OUT: { count: 0, isMore: false },
          ABORTED: { count: 1, isMore: false },
          DONE: { count: 200, isMore: true },
        },
        tasks: [{ ...task, status: status === "DONE" ? "DONE" : status === "STARTED" ? "STARTED" : "FAILED" }],
      }),
    task: ({ id = "order-17" }) =>
      Promise.resolve({
        task: { ...task, taskId: id },
        executionArn: text(`arn:aws:states:eu-central-1:000000000000:execution:almanac-local-workflows-task:${id}`),
        history: [
          { status: "STARTED", at: at(-90_000) },
          { status: "FAILED", at: at(-30_000), reason: text("PaymentRefused: no funds") },
        ],
        input: JSON.stringify({ taskId: id, timestamp: 1_795_244_160, input: { amount: 12, note: text("gift") } }),
        approvals: [
          {
            state: "Approve",
            requestedAt: at(-80_000),
            decision: "approved",
            decidedBy: text("arn:aws:iam::1:user/ada"),
            decidedAt: at(-70_000),
            comment: text("fine"),
          },
          { state: "ApproveAgain", requestedAt: at(-60_000) },
        ],
        canRedrive: true,
        machine: machineView(
          TASK_MACHINE,
          historyOf([
            ["ExecutionStarted", { at: NOW - 90_000 }],
            ["TaskStateEntered", { at: NOW - 90_000, state: "RecordStart", input: '{"taskId":"order-17"}' }],
            ["TaskStateExited", { at: NOW - 89_500, state: "RecordStart", output: '{"taskId":"order-17"}' }],
            [
              "WaitStateEntered",
              { at: NOW - 89_400, state: "Pause", input: JSON.stringify({ taskId: text("order-17") }) },
            ],
            ["WaitStateExited", { at: NOW - 59_400, state: "Pause", output: '{"taskId":"order-17"}' }],
            ["TaskStateEntered", { at: NOW - 59_300, state: "Work", input: '{"taskId":"order-17"}' }],
          ]),
        ),
      }),
    logs: ({ q = "", name, level }) =>
      Promise.resolve({
        lines: lines.filter(
          (line) =>
            line.text.includes(q) &&
            (name === undefined || line.functionName.startsWith(name)) &&
            (level === undefined || line.level === level),
        ),
        omitted: 0,
        functions: [
          { name: "heartbeats-check", feature: "heartbeats" },
          { name: "pipelines-job-order-ingress", feature: "pipelines" },
          { name: "timers-dispatch", feature: "timers" },
        ],
        since: at(-15 * MINUTE_MS),
      }),
    schedules: () => Promise.resolve({ schedules: [ownSchedule(text), ...TICKS] }),
    schedule: ({ name = "invoices" }) =>
      Promise.resolve({
        schedule: { ...ownSchedule(text), name },
        preview: [1, 2, 3].map((index) => at(index * 24 * HOUR_MS)),
        runs: [0, 1, 2].map((index) => ({
          run: `${name}/${at(-index * 24 * HOUR_MS)}`,
          scheduledAt: at(-index * 24 * HOUR_MS),
          startedAt: at(-index * 24 * HOUR_MS + 300),
          durationMs: 1_200 + index,
          attempt: index + 1,
          ...(index === 1
            ? { outcome: "failed" as const, reason: text("Error: no connection") }
            : { outcome: "succeeded" as const, result: JSON.stringify({ invoices: text("42") }) }),
        })),
      }),
    search: ({ q = "" }) =>
      Promise.resolve({
        results:
          q === ""
            ? []
            : [
                { kind: "timer", title: text("tea"), detail: "every 15 minutes", href: "/timers/periodic/tea" },
                { kind: "logs", title: q, detail: "log lines about it", href: `/logs?id=${encodeURIComponent(q)}` },
              ],
        unread: [],
      }),
  };
}

function ownSchedule(text: (ordinary: string) => string): Views["schedule"]["schedule"] {
  return {
    name: text("invoices"),
    schedule: "cron(0 6 1 * ? *)",
    timeZone: "Europe/Berlin",
    of: "main.ts",
    state: "enabled",
    nextAt: at(20 * HOUR_MS),
    lastAt: at(-4 * HOUR_MS),
    lastOutcome: "failed",
  };
}

const TICKS: Views["schedules"]["schedules"] = [
  {
    name: "heartbeats-check",
    schedule: "rate(1 minute)",
    timeZone: "UTC",
    of: "almanac",
    state: "enabled",
    nextAt: at(40_000),
    lastAt: at(-20_000),
  },
];

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
