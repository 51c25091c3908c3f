import { App } from "cdktf";
import { Environment, personalEnvironment, type EnvironmentInput } from "./modules/environment";

/** The emulator that `npm start` runs, or another one. */
const LOCAL_AWS = process.env["ALMANAC_AWS_ENDPOINT"] || "http://127.0.0.1:4566";

const app = new App();

const shared = {
  region: "eu-central-1",
  channels: {
    jobOrder: {
      key: "/jobOrderId",
      version: "/revision",
      groupBy: "/customer/id",
      summary: { Customer: "/customer/name", Total: "/total", Status: "/status" },
      slack: "/almanac/slack/orders",
    },
  },
} satisfies Partial<EnvironmentInput>;

// The whole of Almanac on this machine: `npm start`.
new Environment(app, "local", {
  ...shared,
  awsEndpoint: LOCAL_AWS,
  heartbeats: {
    schedule: "rate(1 minute)",
    targets: [
      { name: "aws-emulator", url: new URL("/_ministack/health", LOCAL_AWS).href, private: true },
      { name: "nobody-home", url: "http://127.0.0.1:9/", timeoutSeconds: 2, private: true }, // so that a failure can be seen, too
    ],
    jobs: [{ name: "nightly-backup", everySeconds: 86_400, graceSeconds: 3_600 }],
  },
  timers: { shards: 2 },
  exports: { tables: [{ name: "heartbeats", table: "almanac-local-heartbeats", segments: 2 }] },
  workflow: { waitSeconds: 10 },
});

const staging = {
  ...shared,
  heartbeats: {
    targets: [{ name: "example", url: "https://example.org/" }],
    statusPage: { cdn: true },
  },
  timers: { shards: 2 },
  exports: { tables: [{ name: "heartbeats", table: "almanac-staging-heartbeats", segments: 2 }] },
  workflow: {},
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
  workflow: {},
});

// Your own, a small copy of staging: `npx almanac deploy alice`.
personalEnvironment(app, staging);

app.synth();
