import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { isFailure } from "../../../scripts/console/readers/log-tail";
import { readLogs } from "../../../scripts/console/readers/logs";

const NOW = Date.parse("2026-11-21T06:56:00.000Z");
const aws = { region: "eu-central-1", endpoint: "http://127.0.0.1:4566" };
const state = {
  resources: [
    {
      ...{ type: "aws_cloudwatch_log_group", module: "module.timers", mode: "managed", name: "logs" },
      instances: [{ attributes: { name: "/aws/lambda/almanac-local-timers-dispatch" } }],
    },
  ],
};

const shown = async (...messages: readonly string[]) => {
  const environment = { aws, state, name: "local", logs: new CloudWatchLogsClient(aws) };
  const events = messages.map((message, index) => ({
    ...{ time: NOW, functionName: "timers-dispatch", message, key: String(index) },
  }));
  const source = { environment: () => Promise.resolve(environment), now: () => NOW };
  return (await readLogs(source, { read: () => Promise.resolve(events) }, {})).lines;
};

describe("a line that a page could not show", () => {
  const long = "x".repeat(1_000_000);

  it("is shortened, and says by how much", async () => {
    const lines = await shown(
      long,
      JSON.stringify({ level: "INFO", message: long, note: long, [long]: { deep: long } }),
    );
    expect(lines[0]?.text).toMatch(/^x{3999}… \(1000000 characters\)$/);
    expect(lines[1]?.text).toMatch(/… \(1000000 characters\)$/);
    expect(JSON.stringify(lines).length).toBeLessThan(25_000);
  });

  it("has some of its fields, and how many more there are", async () => {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`field${index}`, index]));
    const [line] = await shown(JSON.stringify({ level: "INFO", message: "many", ...fields }));
    expect(line?.fields).toHaveLength(51);
    expect(line?.fields.at(-1)).toEqual(["more fields", "9950"]);
  });
});

it("a failure is the error, not each line of its stack trace", () => {
  const lines = ["TypeError: no id", "    at handler (check.ts:3:1)", "    at Socket.emit (node:events:531:35)"];
  expect(lines.filter(isFailure)).toEqual(["TypeError: no id"]);
});
