/** A state table in memory: reads and writes are copies, and conditions hold as in DynamoDB. */
import { REPORT_ITEM } from "../../../functions/shared/schedule-monitor";
import type { Job } from "../../../functions/heartbeats/monitors/job";
import { sumOf } from "../../../functions/heartbeats/monitors/roll-up";
import type { ClosedIncident, MonitorState, PeriodRollup } from "../../../functions/heartbeats/monitors/state";
import type { StateTable, StoredMonitor } from "../../../functions/heartbeats/monitors/state-table";
import { startOfUtcDay } from "../../../functions/shared/time";

export interface MemoryStates extends Omit<StateTable, "recordReport" | "readLog"> {
  /** What a job has reported. */
  readonly report: (key: string, job: Job) => void;
}

export function memoryStates(): MemoryStates {
  const states = new Map<string, MonitorState>();
  const jobs = new Map<string, Job>();
  const hours = new Map<string, PeriodRollup>();
  const days = new Map<string, PeriodRollup>();
  const incidents = new Map<string, ClosedIncident>();
  const monitors = new Set<string>();
  let lease = { owner: "", until: -Infinity };
  const of = <Item>(items: ReadonlyMap<string, Item>, key: string): Item[] =>
    [...items].flatMap(([id, item]) => (id.startsWith(`${key} `) ? [structuredClone(item)] : []));
  const stored = (key: string): StoredMonitor => {
    const [state, job] = [states.get(key), jobs.get(`${key} ${REPORT_ITEM}`)];
    return { ...(state && { state: structuredClone(state) }), ...(job && { job }) };
  };
  return {
    read: (keys) =>
      Promise.resolve(
        new Map(
          keys.flatMap((key) =>
            states.has(key) || jobs.has(`${key} ${REPORT_ITEM}`) ? [[key, stored(key)] as const] : [],
          ),
        ),
      ),
    readOne: (key) => Promise.resolve(stored(key).state),
    save: (key, transition) => {
      const { state, hours: ended, incident } = structuredClone(transition);
      if ((states.get(key)?.revision ?? 0) !== state.revision - 1) return Promise.resolve(false);
      states.set(key, state);
      for (const hour of ended) {
        hours.set(`${key} ${hour.start}`, hour);
        const start = startOfUtcDay(hour.start);
        const before = days.get(`${key} ${start}`);
        days.set(`${key} ${start}`, { start, rollup: sumOf([...(before ? [before.rollup] : []), hour.rollup]) });
      }
      if (incident !== undefined) incidents.set(`${key} ${incident.closedAt}`, incident);
      return Promise.resolve(true);
    },
    history: (key, from) =>
      Promise.resolve({
        hours: of(hours, key).filter(({ start }) => start >= from.hours),
        days: of(days, key).filter(({ start }) => start >= from.days),
        incidents: of(incidents, key).filter(({ closedAt }) => closedAt >= from.incidents),
      }),
    registered: () => Promise.resolve(new Set(monitors)),
    register: (keys) => {
      for (const key of keys) monitors.add(key);
      return Promise.resolve();
    },
    deregister: (keys) => {
      for (const key of keys) monitors.delete(key);
      return Promise.resolve();
    },
    acquireDelivery: ({ owner, now, until }) => {
      if (lease.owner !== owner && lease.until >= now) return Promise.resolve(false);
      lease = { owner, until };
      return Promise.resolve(true);
    },
    releaseDelivery: (owner) => {
      if (lease.owner === owner) lease = { owner: "", until: -Infinity };
      return Promise.resolve();
    },
    report: (key, job) => {
      jobs.set(`${key} ${REPORT_ITEM}`, job);
    },
  };
}
