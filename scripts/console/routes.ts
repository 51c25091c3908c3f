/** The console's views, by name. */
import { SECOND_MS } from "../../functions/shared/time";
import { readActivity } from "./readers/activity";
import { readArchitecture } from "./readers/architecture";
import { readHeartbeats, readMonitor } from "./readers/heartbeats";
import { logTail } from "./readers/log-tail";
import { readOverview } from "./readers/overview";
import type { Source } from "./readers/source";
import { readLateness, readTimer, readTimers, timersReader } from "./readers/timers";
import type { EnvironmentView, Query, ViewName, Views } from "./contract";

/** AWS allows five reads of logs a second, and bills for other reads. */
const POLL_MS = { emulator: 2 * SECOND_MS, aws: 10 * SECOND_MS } as const;

export type Routes = { readonly [Name in ViewName]: (query: Query) => Promise<Views[Name]> };

export function routesOf(source: Source): Routes {
  const tail = logTail(source.now);
  const timers = timersReader(source.now);
  return {
    environment: () => readEnvironment(source),
    overview: () => readOverview(source, { tail, timers }),
    architecture: () => readArchitecture(source),
    activity: () => readActivity(source, tail),
    heartbeats: () => readHeartbeats(source),
    monitor: (query) => readMonitor(source, query),
    timers: (query) => readTimers(source, timers, query),
    timer: (query) => readTimer(source, query),
    lateness: () => readLateness(source),
  };
}

async function readEnvironment({ environment, now }: Source): Promise<EnvironmentView> {
  const { name, app, aws, features } = await environment();
  return {
    name,
    app,
    features: Object.keys(features),
    now: new Date(now()).toISOString(),
    pollMs: aws.endpoint === undefined ? POLL_MS.aws : POLL_MS.emulator,
  };
}
