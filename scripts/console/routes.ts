/** What the console serves: its views and its actions, by name. */
import { SECOND_MS } from "../../functions/shared/time";
import { actionsOf } from "./actions/execute";
import { readActivity } from "./readers/activity";
import { readArchitecture } from "./readers/architecture";
import { readExport, readExports } from "./readers/exports";
import { readHeartbeats, readMonitor } from "./readers/heartbeats";
import { logTail } from "./readers/log-tail";
import { readLogs } from "./readers/logs";
import { readMessage } from "./readers/message";
import { readOverview } from "./readers/overview";
import { readPipeline, readPipelines } from "./readers/pipelines";
import { readSchedules } from "./readers/schedules";
import { readSearch } from "./readers/search";
import type { Source } from "./readers/source";
import { readLateness, readTimer, readTimers, timersReader } from "./readers/timers";
import { readTask, readTasks } from "./readers/workflows";
import type { Action } from "./server/server";
import type { EnvironmentView, Query, ViewName, Views } from "./contract";

/** AWS allows five reads of logs a second, and bills for other reads. */
const POLL_MS = { emulator: 2 * SECOND_MS, aws: 10 * SECOND_MS } as const;

export interface Routes {
  readonly views: { readonly [Name in ViewName]: (query: Query) => Promise<Views[Name]> };
  readonly actions: Readonly<Record<string, Action>>;
}

export function routesOf(source: Source, { canWrite }: { readonly canWrite: boolean }): Routes {
  const tail = logTail(source.now);
  const timers = timersReader(source.now);
  const views: Routes["views"] = {
    environment: () => readEnvironment(source, canWrite),
    overview: () => readOverview(source, { tail, timers }),
    architecture: () => readArchitecture(source),
    activity: () => readActivity(source, tail),
    heartbeats: () => readHeartbeats(source),
    monitor: (query) => readMonitor(source, query),
    timers: (query) => readTimers(source, timers, query),
    timer: (query) => readTimer(source, query),
    lateness: () => readLateness(source),
    exports: () => readExports(source),
    export: (query) => readExport(source, query),
    pipelines: () => readPipelines(source),
    pipeline: (query) => readPipeline(source, tail, query),
    message: (query) => readMessage(source, tail, query),
    tasks: (query) => readTasks(source, query),
    task: (query) => readTask(source, query),
    logs: (query) => readLogs(source, tail, query),
    schedules: () => readSchedules(source, tail),
    search: (query) => readSearch(source, { tail, timers }, query),
  };
  return { views, actions: actionsOf(source, timers) };
}

async function readEnvironment({ environment, now }: Source, canWrite: boolean): Promise<EnvironmentView> {
  const { name, app, aws, isLocal, features } = await environment();
  return {
    name,
    app,
    region: aws.region,
    isLocal,
    canWrite,
    features: Object.keys(features),
    now: new Date(now()).toISOString(),
    pollMs: aws.endpoint === undefined ? POLL_MS.aws : POLL_MS.emulator,
  };
}
