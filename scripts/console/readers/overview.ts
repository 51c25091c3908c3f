/** The overview: what failed, what is late, what ran last, what runs next. */
import { headline, overallState } from "../../../functions/heartbeats/status-page/status-format";
import { isObject } from "../../../functions/shared/errors";
import { describeError } from "../../shared/terminal/errors";
import { parseLine } from "../../features/logs/log-events";
import type { FeatureSummary, Finding, NextView, OverviewView } from "../contract";
import { readHeartbeats } from "./heartbeats";
import { isFailure, runsOf, type LogTail } from "./log-tail";
import { readDepths } from "./queues";
import { readSchedules } from "./schedules";
import type { Environment, Source } from "./source";
import type { TimersReader } from "./timers";

/** What one part of the environment adds to the overview. */
export interface Part {
  readonly summary?: FeatureSummary;
  readonly failed?: readonly Finding[];
  readonly late?: readonly Finding[];
  readonly next?: readonly NextView[];
}

export interface OverviewReaders {
  readonly tail: LogTail;
  readonly timers: TimersReader;
}

const SHOWN = 12;

/** Parts are read side by side, and a part that cannot be read hides no other. */
export async function readOverview(source: Source, readers: OverviewReaders): Promise<OverviewView> {
  const environment = await source.environment();
  const { features } = environment;
  const parts: Readonly<Record<string, () => Promise<Part>>> = {
    ...("heartbeats" in features && { heartbeats: () => heartbeatsPart(source) }),
    ...("timers" in features && { timers: () => timersPart(environment, readers.timers) }),
    schedules: () => schedulesPart(source, readers.tail),
    "dead letters": () => deadLettersPart(environment),
  };
  const names = Object.keys(parts);
  const [logs, ...settled] = await Promise.allSettled([
    readers.tail.read(environment),
    ...Object.values(parts).map((read) => read()),
  ]);
  const read = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const unread = [logs, ...settled].flatMap((each, index) =>
    each.status === "fulfilled" ? [] : [{ name: ["logs", ...names][index] ?? "", reason: describeError(each.reason) }],
  );
  const events = logs.status === "fulfilled" ? logs.value : [];
  const recent = runsOf(events);
  const next = read.flatMap((part) => part.next ?? []).sort((a, b) => (a.at < b.at ? -1 : 1));
  return {
    features: summariesOf(features, read, new Set(unread.map(({ name }) => name))),
    failed: [...read.flatMap((part) => part.failed ?? []), ...failuresOf(events)].slice(0, SHOWN),
    late: read.flatMap((part) => part.late ?? []).slice(0, SHOWN),
    recent: recent.slice(0, SHOWN),
    next: next.slice(0, SHOWN),
    unread: unread.map(({ name, reason }) => `${name}: ${reason}`),
  };
}

/**
 * Of each feature that is deployed, in order; one without a summary of its own is as its findings are.
 * @param unread names of parts. What was not read is not up: dead letters are every feature's.
 */
export function summariesOf(
  features: Environment["features"],
  parts: readonly Part[],
  unread: ReadonlySet<string>,
): readonly FeatureSummary[] {
  return Object.keys(features).map((name) => {
    const own = parts.find(({ summary }) => summary?.name === name)?.summary;
    const failed = parts.flatMap((part) => part.failed ?? []).filter(({ feature }) => feature === name);
    const late = parts.flatMap((part) => part.late ?? []).filter(({ feature }) => feature === name);
    const found = failed.length > 0 ? "down" : late.length > 0 ? "degraded" : "up";
    const first = failed[0] ?? late[0];
    if (own === undefined && first === undefined && (unread.has(name) || unread.has("dead letters")))
      return { name, health: "unknown", headline: "Not all could be read" };
    return own ?? { name, health: found, headline: first?.title ?? "No failures" };
  });
}

async function heartbeatsPart(source: Source): Promise<Part> {
  const view = await readHeartbeats(source);
  if (view === null)
    return { summary: { name: "heartbeats", health: "unknown", headline: "Nothing has been checked yet" } };
  const open = view.incidents.filter(({ closedAt }) => closedAt === null);
  return {
    summary: {
      name: "heartbeats",
      health: overallState(view.monitors),
      headline: view.isStale ? "No check results lately" : headline(view.monitors),
    },
    failed: open.map(({ monitor, severity, openedAt, message }) => ({
      feature: "heartbeats",
      severity,
      title: `${monitor} is ${severity}`,
      detail: message,
      at: openedAt,
      href: `/heartbeats/${encodeURIComponent(monitor)}`,
    })),
    late: view.isStale
      ? [
          {
            feature: "heartbeats",
            severity: "down",
            title: "No check has run lately",
            detail: `The last results are of ${view.generatedAt}`,
            at: view.generatedAt,
            href: "/heartbeats",
          },
        ]
      : [],
    next: view.monitors.flatMap(({ name, nextDue }): NextView[] =>
      typeof nextDue === "string"
        ? [
            {
              feature: "heartbeats",
              title: name,
              detail: "its next report is due",
              at: nextDue,
              href: `/heartbeats/${encodeURIComponent(name)}`,
            },
          ]
        : [],
    ),
  };
}

async function timersPart(environment: Environment, reader: TimersReader): Promise<Part> {
  const { timers } = await reader.list(environment);
  const late = timers.filter(({ state }) => state === "late");
  const oldest = late.flatMap(({ nextFireAt }) => nextFireAt ?? []).sort()[0];
  const upcoming = timers
    .flatMap((timer) =>
      timer.state === "scheduled" && timer.nextFireAt !== null ? [{ ...timer, at: timer.nextFireAt }] : [],
    )
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(0, SHOWN);
  return {
    summary: {
      name: "timers",
      health: late.length > 0 ? "degraded" : "up",
      headline:
        late.length > 0
          ? `${late.length} of ${timers.length} ${late.length === 1 ? "is" : "are"} late`
          : `${timers.length} set, none late`,
    },
    late:
      late.length === 0
        ? []
        : [
            {
              feature: "timers",
              severity: "degraded",
              title: `${late.length} ${late.length === 1 ? "timer has" : "timers have"} not fired in time`,
              detail: late
                .slice(0, 3)
                .map(({ id }) => id)
                .join(", "),
              ...(oldest !== undefined && { at: oldest }),
              href: "/timers?state=late",
            },
          ],
    next: upcoming.map(({ kind, id, schedule, at }) => ({
      feature: "timers",
      title: id,
      detail: schedule,
      at,
      href: `/timers/${kind}/${encodeURIComponent(id)}`,
    })),
  };
}

async function schedulesPart(source: Source, tail: LogTail): Promise<Part> {
  const { schedules } = await readSchedules(source, tail);
  return {
    next: schedules.flatMap(({ name, of, schedule, nextAt }): NextView[] => {
      if (nextAt === undefined) return [];
      const isOwn = of === "main.ts";
      const href = isOwn ? `/schedules/${encodeURIComponent(name)}` : "/schedules";
      return [
        { feature: isOwn ? "schedules" : (name.split("-")[0] ?? ""), title: name, detail: schedule, at: nextAt, href },
      ];
    }),
  };
}

async function deadLettersPart(environment: Environment): Promise<Part> {
  const depths = await readDepths(environment);
  return {
    failed: depths
      .filter(({ isDeadLetters, messages }) => isDeadLetters && messages > 0)
      .map(({ feature, name, messages }) => ({
        feature,
        severity: "down",
        title: `${messages} dead ${messages === 1 ? "letter" : "letters"}`,
        detail: name,
        href: feature === "pipelines" ? "/pipelines" : `/logs?name=${encodeURIComponent(feature)}&level=error`,
      })),
  };
}

/** Errors that functions have logged: one finding for each function, with its latest. */
function failuresOf(events: Awaited<ReturnType<LogTail["read"]>>): readonly Finding[] {
  const latest = new Map<string, { count: number; time: number; message: string }>();
  for (const { functionName, message, time } of events) {
    if (!isFailure(message)) continue;
    latest.set(functionName, { count: (latest.get(functionName)?.count ?? 0) + 1, time, message });
  }
  return [...latest]
    .sort(([, a], [, b]) => b.time - a.time)
    .map(([functionName, { count, time, message }]) => ({
      feature: functionName.split("-")[0] ?? "",
      severity: "degraded",
      title: `${functionName} logged ${count === 1 ? "an error" : `${count} errors`}`,
      detail: summaryOf(message),
      at: new Date(time).toISOString(),
      href: `/logs?name=${encodeURIComponent(functionName)}&level=error`,
    }));
}

const LONGEST_DETAIL = 200;

function summaryOf(line: string): string {
  const fields = parseLine(line);
  const error = fields?.["error"];
  const message = isObject(error) && "message" in error ? error.message : fields?.["message"];
  return (typeof message === "string" ? message : line).slice(0, LONGEST_DETAIL);
}
