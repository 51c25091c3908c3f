import {
  describeAccess,
  describeAddresses,
  describeCommands,
  describeDeployment,
  describeFeatures,
} from "../../../scripts/emulator/describe-run";
import { homeAt } from "../../../scripts/shared/home";

it("shows each feature's outputs in columns", () => {
  expect(
    describeFeatures({
      heartbeats: { table_name: "t", check_function_name: "f", shards: 3, dashboard_widgets: [{}] },
      timers: {},
    }),
  ).toBe(
    [
      "  heartbeats",
      "    table name           t",
      "    check function name  f",
      "    shards               3",
      "  timers",
    ].join("\n"),
  );
});

it("says how any AWS tool reaches it", () => {
  // No emulator has this port, and no run its keys.
  expect(describeAccess("http://127.0.0.1:1")).toBe(
    "export AWS_ENDPOINT_URL=http://127.0.0.1:1 AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
  );
});

const process = { pid: 1, startedAt: "1" };
const record = {
  ...{ endpoint: "http://127.0.0.1:4566", port: 4566, since: "2026-11-21T07:00:00.000Z", stopping: false },
  emulator: { description: "MiniStack", process, log: "/home/emulator.log" },
};

describe("the addresses", () => {
  it("are those of the pages, the emulator and its log", () => {
    const pages = { url: "http://127.0.0.1:41027", process, statusPageBucket: "page" };
    expect(describeAddresses(record.endpoint, { ...record, pages })).toBe(
      [
        "  Status page   http://127.0.0.1:41027/",
        "  Slack inbox   http://127.0.0.1:41027/inbox",
        "  AWS endpoint  http://127.0.0.1:4566",
        "  Log           /home/emulator.log",
      ].join("\n"),
    );
  });

  it("have no page that is not served", () => {
    const pages = { url: "http://127.0.0.1:41027", process };
    expect(describeAddresses(record.endpoint, { ...record, pages })).not.toContain("Status page");
    expect(describeAddresses(record.endpoint, undefined)).toBe("  AWS endpoint  http://127.0.0.1:4566");
  });
});

describe("the commands to try", () => {
  it("are those of the deployed features", () => {
    const { folder } = homeAt(".almanac/local");
    expect(describeCommands({ timers: {}, workflows: {} }, folder)).toBe(
      [
        "Try, in another terminal:",
        '  npx almanac timers put tea --every "15 minutes"',
        `  npx almanac workflows start order-1 '{"amount": 12}' --watch`,
        "  npx almanac logs --follow",
      ].join("\n"),
    );
    expect(describeCommands({}, folder)).not.toContain("timers");
  });

  it("name a home that is not the default", () => {
    expect(describeCommands({}, "/tmp/home")).toContain("npx almanac logs --follow --home /tmp/home");
  });
});

describe("what is deployed", () => {
  const emulator = { description: "MiniStack", process: { pid: 1, startedAt: "1" }, log: "emulator.log" };
  const since = "2026-11-21T07:00:00.000Z";
  const record = { endpoint: "http://127.0.0.1:4566", port: 4566, emulator, since, stopping: false };
  const deployment = { at: "2026-11-21T07:01:00.000Z", features: { timers: {}, exports: {} } };
  const deployed = "deployed at 2026-11-21T07:01:00.000Z: timers, exports";

  it.each([
    ["is the last deployment", { ...record, deployment }, undefined, deployed],
    ["is about to change", { ...record, deployment }, 12, `${deployed}\n  being deployed now (npm start, process 12)`],
    ["comes: the first, or what was kept again", record, 12, "being deployed now (npm start, process 12)"],
    [
      "is nothing after a deployment that was killed",
      record,
      undefined,
      "nothing is deployed: a deployment was interrupted. Deploy again: npm start",
    ],
    ["ends", { ...record, deployment, stopping: true }, undefined, "it is being stopped"],
  ])("%s", (_, run, deploying, text) => {
    expect(describeDeployment(run, deploying)).toBe(text);
  });
});
