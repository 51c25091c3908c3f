// Before cdktf: modules/constructs/cdktf-startup.ts makes it faster.
import { Environment, personalEnvironment, type EnvironmentInput } from "./modules/environment";
import { App } from "cdktf";

/** Default: the emulator of `npm start`. */
const LOCAL_AWS = process.env["ALMANAC_AWS_ENDPOINT"] || "http://127.0.0.1:4566";

const app = new App();

const shared = {
  region: "eu-central-1",
  pipelines: {
    jobOrder: {
      key: "/jobOrderId",
      version: "/revision",
      groupBy: "/customer/id",
      summary: { Customer: "/customer/name", Total: "/total", Status: "/status" },
      slack: "/almanac/slack/orders",
    },
  },
} satisfies Partial<EnvironmentInput>;

// All features on this machine: `npm start`.
new Environment(app, "local", {
  ...shared,
  awsEndpoint: LOCAL_AWS,
  heartbeats: {
    schedule: "rate(1 minute)",
    targets: [
      {
        name: "aws-emulator",
        title: "AWS emulator",
        description: "Answers all that Almanac calls on this machine",
        group: "This machine",
        url: new URL("/_ministack/health", LOCAL_AWS).href,
        private: true,
      },
      {
        name: "unreachable",
        title: "Unreachable",
        description: "Always down, to show a failure",
        group: "This machine",
        url: "http://127.0.0.1:9/",
        timeoutSeconds: 2,
        private: true,
      },
    ],
    cronMonitors: [
      { name: "nightly-backup", title: "Nightly backup", group: "Jobs", everySeconds: 86_400, graceSeconds: 3_600 },
    ],
    statusPage: {
      title: "Almanac on this machine",
      link: "https://example.org/",
      accent: "#2f5d8a",
      logo: "docs/images/logo.svg",
    },
  },
  timers: { shards: 2 },
  exports: { tables: [{ name: "heartbeats", table: "almanac-local-heartbeats", segments: 2 }] },
  workflows: { task: { waitSeconds: 10 }, refund: { definition: "workflows/refund.ts" } },
  // Runs each minute, and fails once an hour, to show a failure.
  schedules: { minuteReport: { entry: "functions/examples/minute-report.ts", schedule: "rate(1 minute)" } },
});

const staging = {
  ...shared,
  heartbeats: {
    targets: [{ name: "example", url: "https://example.org/" }],
    statusPage: { cdn: true },
  },
  timers: { shards: 2 },
  exports: { tables: [{ name: "heartbeats", table: "almanac-staging-heartbeats", segments: 2 }] },
  workflows: { task: {} },
} satisfies EnvironmentInput;
new Environment(app, "staging", staging);

new Environment(app, "production", {
  ...shared,
  protectData: true,
  heartbeats: {
    targets: [{ name: "example", url: "https://example.org/", bodyContains: "Example Domain", maxLatencyMs: 2_000 }],
    statusPage: { cdn: true },
  },
  timers: {},
  exports: { tables: [{ name: "heartbeats", table: "almanac-production-heartbeats", segments: 2 }] },
  workflows: { task: {} },
});

// A personal copy of staging: `npx almanac deploy alice`.
personalEnvironment(app, staging);

app.synth();
