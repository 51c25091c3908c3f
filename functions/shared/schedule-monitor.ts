/** A schedule's monitor: schedules write its item, heartbeats read it from their state table. Times are epoch milliseconds. Pure. */
import * as z from "zod";

import { instantSchema } from "./instant";

const PREFIX = "schedule/";

/** Partition key in the state table of heartbeats. */
export function scheduleMonitorKey(name: string): string {
  return `${PREFIX}${name}`;
}

export function isScheduleMonitorKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** Every {@link scheduleMonitorKey}, for a policy. */
export const SCHEDULE_MONITOR_KEYS = `${PREFIX}*`;

/** Sort key of what a job or a schedule has reported. */
export const REPORT_ITEM = "heartbeat";

export const shownText = (max: number) => z.string().trim().min(1).max(max);

/** How people see a monitor. */
export const presentation = {
  /** Display name on the status page. @default the name */
  title: shownText(60).optional(),
  /** A sentence on the status page: what the monitor stands for. */
  description: shownText(240).optional(),
  /** The status page lists monitors of one group under this heading. */
  group: shownText(60).optional(),
};

/** What a schedule reports. The end of a run that is not the latest one changes nothing. */
export const scheduleReportSchema = z.object({
  /** The last run that failed or was missed. */
  failure: z
    .object({ reason: z.enum(["run-failed", "run-missed"]), message: z.string(), reportedAt: instantSchema })
    .optional(),
  /** The next run is recorded by then. Absent while none is due: the schedule is paused, or at its end. */
  expectedBefore: instantSchema.optional(),
});
export type ScheduleReport = z.output<typeof scheduleReportSchema>;
