/** A job reports in: the core of push heartbeats' door. */
import { NotFoundError } from "../../shared/handlers/http-errors";
import type { CronMonitor } from "../contract";
import { monitorKey, type StateTable } from "./state-table";

export interface RecordPorts {
  /** The jobs that are watched. */
  readonly jobs: () => Promise<readonly CronMonitor[]>;
  readonly table: Pick<StateTable, "report">;
}

export interface RecordedHeartbeat {
  readonly monitor: string;
  readonly receivedAt: string;
  /** When silence becomes an incident. */
  readonly expectedBefore: string;
}

/**
 * Notes that a job has reported now. Twice does no harm: what counts is the latest.
 *
 * @throws {@link NotFoundError} for a job that nobody watches
 */
export async function recordHeartbeat(name: string, now: number, { jobs, table }: RecordPorts): Promise<RecordedHeartbeat> {
  const job = (await jobs()).find((each) => each.name === name);
  if (job === undefined) throw new NotFoundError(`no job is called "${name}"`);
  await table.recordHeartbeat(monitorKey.cron(name), now);
  const due = now + (job.everySeconds + job.graceSeconds) * 1_000;
  return { monitor: name, receivedAt: new Date(now).toISOString(), expectedBefore: new Date(due).toISOString() };
}
