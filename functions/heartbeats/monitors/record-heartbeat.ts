/** Records a heartbeat of a cron monitor. */
import { NotFoundError } from "../../shared/handlers/http-errors";
import { SECOND_MS } from "../../shared/time";
import type { CronMonitor } from "../contract";
import { monitorKey } from "./policy";
import type { StateTable } from "./state-table";

export interface RecordPorts {
  readonly cronMonitors: () => Promise<readonly CronMonitor[]>;
  readonly table: Pick<StateTable, "recordHeartbeat">;
}

export interface RecordedHeartbeat {
  readonly monitor: string;
  readonly receivedAt: string;
  /** A later heartbeat is an incident. */
  readonly expectedBefore: string;
}

/**
 * Idempotent: the latest heartbeat counts.
 *
 * @throws {@link NotFoundError} for an unknown cron monitor
 */
export async function recordHeartbeat(
  name: string,
  now: number,
  { cronMonitors, table }: RecordPorts,
): Promise<RecordedHeartbeat> {
  const cron = (await cronMonitors()).find((each) => each.name === name);
  if (cron === undefined) throw new NotFoundError("there is no cron monitor with this name");
  await table.recordHeartbeat(monitorKey.cron(name), now);
  const due = now + (cron.everySeconds + cron.graceSeconds) * SECOND_MS;
  return { monitor: name, receivedAt: new Date(now).toISOString(), expectedBefore: new Date(due).toISOString() };
}
