import { describeAccess, describeFeatures } from "../../../scripts/emulator/describe-run";

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
  expect(describeAccess("http://127.0.0.1:4566")).toBe(
    "export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=eu-central-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
  );
});
