/** The console's views, by name. */
import { SECOND_MS } from "../../functions/shared/time";
import { readActivity } from "./readers/activity";
import { readArchitecture } from "./readers/architecture";
import { readExport, readExports } from "./readers/exports";
import { readHeartbeats, readMonitor } from "./readers/heartbeats";
import { logTail } from "./readers/log-tail";
import { readLogs } from "./readers/logs";
import { readMessage } from "./readers/message";
import { readOverview } from "./readers/overview";
import { readPipeline, readPipelines } from "./readers/pipelines";
import { readSchedule, readSchedules } from "./readers/schedules";
import { readSearch } from "./readers/search";
import type { Source } from "./readers/source";
import { readLateness, readTimer, readTimers, timersReader } from "./readers/timers";
import { readTask, readTasks } from "./readers/workflows";
import type { EnvironmentView, Query, ViewName, Views } from "./contract";

/** AWS allows five reads of logs a second, and bills for other reads. */
const POLL_MS = { emulator: 2 * SECOND_MS, aws: 10 * SECOND_MS } as const;

export type Routes = { readonly [Name in ViewName]: (query: Query) => Promise<Views[Name]> };

/** What the viewer may change, and by which commands. */
export type Writing = Pick<EnvironmentView, "canWrite" | "where">;

export function routesOf(source: Source, { canWrite, where }: Writing): Routes {
  const tail = logTail(source.now);
  const timers = timersReader(source.now);
  return {
    environment: () => readEnvironment(source, { canWrite, where }),
    overview: () => readOverview(source, { tail, timers }),
    architecture: () => readArchitecture(source),
    activity: () => readActivity(source, tail),
    heartbeats: () => readHeartbeats(source),
    monitor: (query) => readMonitor(source, query),
    timers: (query) => readTimers(source, timers, query),
    timer: (query) => readTimer(source, query),
    lateness: () => readLateness(source),
    schedules: () => readSchedules(source, tail),
    schedule: (query) => readSchedule(source, query),
    exports: () => readExports(source),
    export: (query) => readExport(source, query),
    pipelines: () => readPipelines(source),
    pipeline: (query) => readPipeline(source, tail, query),
    message: (query) => readMessage(source, tail, query),
    tasks: (query) => readTasks(source, query),
    task: (query) => readTask(source, query),
    logs: (query) => readLogs(source, tail, query),
    search: (query) => readSearch(source, { tail, timers }, query),
  };
}

async function readEnvironment({ environment, now }: Source, writing: Writing): Promise<EnvironmentView> {
  const { name, app, aws, features, clock } = await environment();
  return {
    name,
    app,
    ...writing,
    features: Object.keys(features),
    now: new Date(now()).toISOString(),
    pollMs: aws.endpoint === undefined ? POLL_MS.aws : POLL_MS.emulator,
    ...(clock !== undefined && { clock }),
  };
}
