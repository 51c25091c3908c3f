/** The status of all targets and jobs, made from what the state table holds. */
import type { Clock } from "../../shared/clock";
import type { Target, MonitorSettings } from "../contract";
import { NO_HISTORY } from "./history";
import type { historyReader } from "./history-reader";
import { cronMonitor, targetMonitor } from "../monitors/policy";
import type { StateTable } from "../monitors/state-table";
import { statusDocument } from "./build-document";
import type { StatusDocument } from "./document";

export interface StatusPorts {
  readonly app: string;
  readonly environment: string;
  readonly intervalMinutes: number;
  readonly table: Pick<StateTable, "read">;
  readonly histories: ReturnType<typeof historyReader>;
  readonly clock: Clock;
}

/** @throws {@link StateNotReadError} */
export async function buildStatus(
  {
    targets,
    watch,
    deadline,
  }: { readonly targets: readonly Target[]; readonly watch: MonitorSettings; readonly deadline: number },
  { app, environment, intervalMinutes, table, histories, clock }: StatusPorts,
): Promise<StatusDocument> {
  const subjects = [
    ...targets.map((target) => targetMonitor(target, watch, intervalMinutes)),
    ...watch.jobs.map((job) => cronMonitor(job, watch, intervalMinutes)),
  ];
  const states = await table.read(
    subjects.map(({ key: subject }) => subject),
    deadline,
  );
  const now = clock.now();
  const present = subjects.map((each) => ({ ...each, state: states.get(each.key)?.state }));
  const known = await histories(present, now);
  const described = present.map((each) => ({ ...each, history: known.get(each.key) ?? NO_HISTORY }));
  return statusDocument(described, { app, environment, intervalSeconds: intervalMinutes * 60, now });
}
