/** Finds what has an id: monitors, timers, exports, tasks, messages, functions, and log lines. */
import { describeError } from "../../shared/terminal/errors";
import { outputsOf, pipelineOf } from "../../shared/feature-outputs";
import { schedulesOf } from "../../features/schedules/environment";
import { logGroupsOf } from "../../features/logs/log-groups";
import type { Query, SearchView } from "../contract";
import { readHeartbeats } from "./heartbeats";
import type { LogTail } from "./log-tail";
import { hasLines } from "./logs";
import { readMessage } from "./message";
import type { Environment, Source } from "./source";
import type { TimersReader } from "./timers";
import { readExports } from "./exports";
import { taskPorts, workflowNames } from "./workflows";

type Result = SearchView["results"][number];

export interface SearchReaders {
  readonly tail: LogTail;
  readonly timers: TimersReader;
}

const OF_A_KIND = 5;

/** @param query q: an id, or a part of one */
export async function readSearch(source: Source, readers: SearchReaders, { q = "" }: Query): Promise<SearchView> {
  const id = q.trim();
  if (id === "") return { results: [], unread: [] };
  const environment = await source.environment();
  const { features } = environment;
  const searches: readonly (() => Promise<readonly Result[]>)[] = [
    ...("heartbeats" in features ? [() => monitors(source, id)] : []),
    ...("timers" in features ? [() => timers(environment, readers.timers, id)] : []),
    () => schedulesNamed(environment, id),
    ...("exports" in features ? [() => exportsNamed(source, id)] : []),
    ...("workflows" in features ? [() => tasks(environment, id)] : []),
    ...("pipelines" in features ? [() => messages(source, environment, readers.tail, id)] : []),
    () => functionsNamed(environment, id),
    () => logLines(environment, readers.tail, id),
  ];
  // A feature that cannot be read hides no other.
  const found = await Promise.allSettled(searches.map((search) => search()));
  return {
    results: found.flatMap((each) => (each.status === "fulfilled" ? each.value : [])),
    unread: [...new Set(found.flatMap((each) => (each.status === "fulfilled" ? [] : [describeError(each.reason)])))],
  };
}

const matches = (text: string, id: string): boolean => text.toLowerCase().includes(id.toLowerCase());

async function monitors(source: Source, id: string): Promise<readonly Result[]> {
  const view = await readHeartbeats(source);
  return (view?.monitors ?? [])
    .filter(({ name }) => matches(name, id))
    .slice(0, OF_A_KIND)
    .map(({ name, state }) => ({
      kind: "monitor",
      title: name,
      detail: state,
      href: `/heartbeats/${encodeURIComponent(name)}`,
    }));
}

async function timers(environment: Environment, reader: TimersReader, id: string): Promise<readonly Result[]> {
  const { timers: all } = await reader.list(environment);
  return all
    .filter((timer) => matches(timer.id, id))
    .sort((a, b) => a.id.length - b.id.length)
    .slice(0, OF_A_KIND)
    .map(({ kind, id: title, schedule }) => ({
      kind: "timer",
      title,
      detail: schedule,
      href: `/timers/${kind}/${encodeURIComponent(title)}`,
    }));
}

async function schedulesNamed(environment: Environment, id: string): Promise<readonly Result[]> {
  const { own, ticks } = await schedulesOf(environment);
  const named = [
    ...Object.entries(own?.schedules ?? {}).map(([title, { schedule: detail }]) => ({
      ...{ title, detail },
      href: `/schedules/${encodeURIComponent(title)}`,
    })),
    ...ticks.map(({ name: title, schedule: detail }) => ({
      ...{ title, detail },
      href: `/schedules?q=${encodeURIComponent(title)}`,
    })),
  ];
  return named
    .filter(({ title }) => matches(title, id))
    .slice(0, OF_A_KIND)
    .map((each) => ({ kind: "schedule", ...each }));
}

async function exportsNamed(source: Source, id: string): Promise<readonly Result[]> {
  const { exports } = await readExports(source);
  return exports
    .filter(({ name }) => matches(name, id))
    .slice(0, OF_A_KIND)
    .map(({ name, table }) => ({ kind: "export", title: name, detail: table, href: `/exports/${name}` }));
}

async function tasks(environment: Environment, id: string): Promise<readonly Result[]> {
  const found = await Promise.all(
    workflowNames(environment).map(async (workflow) => {
      const task = await taskPorts(environment, workflow).table.read(id);
      const href = `/workflows/${encodeURIComponent(workflow)}/${encodeURIComponent(id)}`;
      return task === undefined ? [] : [{ kind: "task", title: id, detail: `${workflow}, ${task.status}`, href }];
    }),
  );
  return found.flat();
}

async function messages(
  source: Source,
  environment: Environment,
  tail: LogTail,
  id: string,
): Promise<readonly Result[]> {
  const names = Object.keys(outputsOf("pipelines", environment).pipelines);
  const found = await Promise.all(
    names.map(async (name) => {
      const { key, version } = await readMessage(source, tail, { name, key: id });
      if (version === undefined) return [];
      const { name: pipeline } = pipelineOf(environment.name, name, environment);
      const href = `/pipelines/${pipeline}/${encodeURIComponent(key)}`;
      return [{ kind: "message", title: key, detail: `${pipeline}, version ${version}`, href }];
    }),
  );
  return found.flat();
}

function functionsNamed({ name, state }: Environment, id: string): Promise<readonly Result[]> {
  return Promise.resolve(
    logGroupsOf(name, state)
      .filter(({ functionName }) => matches(functionName, id))
      .slice(0, OF_A_KIND)
      .map(({ functionName, feature }) => ({
        kind: "function",
        title: functionName,
        detail: feature,
        href: `/logs?name=${encodeURIComponent(functionName)}`,
      })),
  );
}

async function logLines(environment: Environment, tail: LogTail, id: string): Promise<readonly Result[]> {
  const detail = hasLines(await tail.read(environment), id)
    ? "log lines about it"
    : "look for log lines of the last hour";
  return [{ kind: "logs", title: id, detail, href: `/logs?id=${encodeURIComponent(id)}` }];
}
