/** The app of the end-to-end tests: the environment `local`, with failing targets, exports and work. */
import { readFileSync } from "node:fs";
import { App } from "cdktf";
import { Environment } from "../../../modules/environment";
import { EXPORTS } from "./exports";
import { targetsFile } from "./system";
import { PING_PARAMETER } from "./targets";
import { targetsSchema } from "../../../functions/heartbeats/contract";

const app = new App();
const awsEndpoint = process.env["ALMANAC_AWS_ENDPOINT"];
if (awsEndpoint === undefined) throw new Error("npm start sets ALMANAC_AWS_ENDPOINT to the emulator");

new Environment(app, "local", {
  region: "eu-central-1",
  awsEndpoint,
  heartbeats: {
    schedule: "rate(1 minute)", // the shortest that EventBridge has
    cronMonitors: [
      { name: "nightly-backup", everySeconds: 86_400 },
      { name: "marked-job", everySeconds: 86_400 },
    ],
    pingSecretParameter: PING_PARAMETER,
    targets: targetsSchema.parse(JSON.parse(readFileSync(targetsFile, "utf8"))),
  },
  timers: {
    shards: 2,
    callbacks: {
      default: {},
      // A test holds it meanwhile: longer than that takes on a busy machine.
      billing: { entry: "test/e2e/support/billing.ts", history: true, timeoutSeconds: 120 },
    },
  },
  exports: EXPORTS,
  workflows: {
    task: {
      waitSeconds: 3,
      // Longer than a cold start takes on a busy machine.
      work: { entry: "test/e2e/support/work.ts", timeoutSeconds: 20, retries: 1 },
    },
    refund: { definition: "workflows/refund.ts" },
  },
  pipelines: {
    jobOrder: {
      key: "/jobOrderId",
      version: "/revision",
      groupBy: "/customer/id",
      summary: { Customer: "/customer/name", Total: "/total" },
      private: ["/customer/name"],
      slack: "/almanac/slack/orders",
      schema: { type: "object", properties: { total: { type: "number" } } },
    },
    // A second pipeline is one entry.
    invoice: {
      key: "/number",
      slack: "/almanac/slack/invoices",
      webhook: { verify: "stripe", secret: "/almanac/webhooks/invoices" },
    },
    event: { key: "/id", webhook: { verify: "github", secret: "/almanac/webhooks/events" } },
  },
  schedules: {
    eachMinute: {
      entry: "test/e2e/support/scheduled.ts",
      schedule: "rate(1 minute)",
      secrets: { KEY: "/almanac/schedules/key" },
      timeoutSeconds: 10,
      overlap: "allow",
    },
    // The example of main.ts, in the minute of each hour in which it fails on purpose.
    minuteReport: { entry: "functions/examples/minute-report.ts", schedule: "cron(30 * * * ? *)" },
    documented: {
      entry: "test/e2e/support/scheduled.ts",
      schedule: "cron(0 6 * * ? *)",
      secrets: { KEY: "/almanac/schedules/key" },
    },
    markedRun: { entry: "test/e2e/support/scheduled.ts", schedule: "cron(0 6 * * ? *)", catchUp: "none" },
    eachDay: {
      entry: "test/e2e/support/scheduled.ts",
      schedule: "cron(0 6 * * ? *)",
      catchUp: "none",
    },
  },
});

app.synth();
