/** A configuration with everything that Almanac has. */
import type { EnvironmentInput } from "../../modules/environment";

/** A configuration with one of everything that Almanac has. */
export const EVERYTHING = {
  protectData: true,
  alarmEmails: ["ops@example.org"],
  heartbeats: {
    targets: [{ name: "site", url: "https://example.org/" }],
    cronMonitors: [{ name: "backup", everySeconds: 86_400 }],
    slackWebhookParameter: "/almanac/slack/webhook",
    statusPage: { cdn: true },
  },
  timers: {},
  exports: {
    tables: [
      { name: "orders", table: "shop-orders" },
      { name: "changes", table: "shop-orders", engine: "dynamodb-export", prefix: "changes/" },
      { name: "simple-user-logs", preset: "simple-user-logs" },
      {
        name: "columns",
        table: "shop-orders",
        format: "parquet",
        columns: { orderId: "string", amount: "decimal(20,2)" },
      },
      { name: "elsewhere", table: "shop-orders", bucket: "a-bucket-of-ours" },
    ],
    jobs: { tables: ["app-logs"] },
  },
  workflows: {
    task: { work: { entry: "test/e2e/support/work.ts" } },
    refund: { definition: "workflows/refund.ts" },
  },
  pipelines: {
    jobOrder: {
      key: "/jobOrderId",
      slack: "/almanac/slack/orders",
      schema: { type: "object" },
      webhook: { verify: "github", secret: "/almanac/github" },
    },
  },
  schedules: {
    minuteReport: {
      entry: "functions/examples/minute-report.ts",
      schedule: "rate(1 hour)",
      secrets: { API_KEY: "/almanac/api-key" },
    },
  },
} satisfies Omit<EnvironmentInput, "region">;
