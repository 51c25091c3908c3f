/**
 * Metrics of ours that are sent only when something happens: a timer fires, a task is started, Slack takes nothing. An idle environment
 * sends the others: those that a scheduled function counts at each run. `<feature>/<metric>`.
 */
export const METRICS_ON_USE: ReadonlySet<string> = new Set([
  "heartbeats/failedNotifications",
  "pipelines/overdueNotifications",
  "timers/duplicates",
  "timers/fenced",
  "timers/fired",
  "timers/late",
  "workflows/reconciledByEvent",
  "workflows/startRequests",
]);
