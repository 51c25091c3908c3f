/**
 * Custom metrics that only use causes, such as timer fires. Scheduled functions send the others at each run, also when idle.
 * `<feature>/<metric>`.
 */
export const METRICS_ON_USE: ReadonlySet<string> = new Set([
  // By runs of exports: one a day.
  "exports/emptyExports",
  "exports/exportDuration",
  "exports/exportedItems",
  "exports/failedExports",
  "exports/finishedExports",
  "exports/readBytes",
  "exports/readUnits",
  "heartbeats/failedNotifications",
  "pipelines/overdueNotifications",
  "schedules/failed",
  "schedules/late",
  "schedules/missed",
  "schedules/retried",
  "timers/dropped",
  "timers/duplicates",
  "timers/fenced",
  "timers/fired",
  "timers/late",
  "timers/skipped",
  "workflows/reconciledByEvent",
  "workflows/startRequests",
]);
