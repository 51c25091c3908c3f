/** A job reports in: the core of push heartbeats' door. */
import { NotFoundError } from "../../shared/handlers/http-errors";
import type { Job } from "../contract";
import { subjectOf, type StateTable } from "./state-table";

export interface ReportPorts {
  /** The jobs that are watched. */
  readonly jobs: () => Promise<readonly Job[]>;
  readonly table: Pick<StateTable, "report">;
}

export interface Reported {
  readonly job: string;
  readonly reportedAt: string;
  /** When silence becomes an incident. */
  readonly expectedBefore: string;
}

/**
 * Notes that a job has reported now. Twice does no harm: what counts is the latest.
 *
 * @throws {@link NotFoundError} for a job that nobody watches
 */
export async function reportJob(name: string, now: number, { jobs, table }: ReportPorts): Promise<Reported> {
  const job = (await jobs()).find((each) => each.name === name);
  if (job === undefined) throw new NotFoundError(`no job is called "${name}"`);
  await table.report(subjectOf.job(name), now);
  const due = now + (job.everySeconds + job.graceSeconds) * 1_000;
  return { job: name, reportedAt: new Date(now).toISOString(), expectedBefore: new Date(due).toISOString() };
}
