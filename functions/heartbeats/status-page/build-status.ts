/** The status of all targets and jobs, made from what the state table holds. */
import type { Clock } from "../../shared/clock";
import { MINUTE_SECONDS } from "../../shared/time";
import type { Target, Watch } from "../contract";
import { NO_HISTORY } from "./history";
import type { historyReader } from "./history-reader";
import { subjectOfJob, subjectOfTarget } from "../monitors/policy";
import type { StateTable } from "../monitors/state-table";
import { statusDocument } from "./build-document";
import type { StatusDocument } from "./document";

export interface PublicationPorts {
  readonly app: string;
  readonly environment: string;
  readonly intervalMinutes: number;
  readonly table: Pick<StateTable, "read">;
  readonly histories: ReturnType<typeof historyReader>;
  readonly clock: Clock;
}

/** @throws {@link StateNotReadError} */
export async function currentStatus(
  {
    targets,
    watch,
    deadline,
  }: { readonly targets: readonly Target[]; readonly watch: Watch; readonly deadline: number },
  { app, environment, intervalMinutes, table, histories, clock }: PublicationPorts,
): Promise<StatusDocument> {
  const subjects = [
    ...targets.map((target) => subjectOfTarget(target, watch, intervalMinutes)),
    ...watch.jobs.map((job) => subjectOfJob(job, watch, intervalMinutes)),
  ];
  const states = await table.read(
    subjects.map(({ subject }) => subject),
    deadline,
  );
  const now = clock.now();
  const present = subjects.map((each) => ({ ...each, state: states.get(each.subject)?.state }));
  const known = await histories(present, now);
  const described = present.map((each) => ({ ...each, history: known.get(each.subject) ?? NO_HISTORY }));
  return statusDocument(described, { app, environment, intervalSeconds: intervalMinutes * MINUTE_SECONDS, now });
}
