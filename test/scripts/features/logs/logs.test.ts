import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import { mockClient } from "aws-sdk-client-mock";
import pc from "picocolors";
import { describeEvent, isAtLeast } from "../../../../scripts/features/logs/describe-event";
import {
  correlationIds,
  followEvents,
  names,
  readEvents,
  readRelated,
  type LogEvent,
} from "../../../../scripts/features/logs/log-events";
import { chosenGroups, logGroupsOf, type LogGroup } from "../../../../scripts/features/logs/log-groups";

const logs = mockClient(CloudWatchLogsClient);
beforeEach(() => logs.reset());
const client = new CloudWatchLogsClient();
const plain = pc.createColors(false);

const group = (functionName: string): LogGroup => ({
  name: `/aws/lambda/almanac-staging-${functionName}`,
  feature: functionName.split("-")[0] ?? "",
  functionName,
});
const DISPATCH = group("timers-dispatch");
const CALLBACK = group("timers-callback");

const REQUEST = "11111111-2222-3333-4444-555555555555";
const line = (message: string, fields: object = {}) =>
  JSON.stringify({ level: "INFO", message, service: "timers", function_request_id: REQUEST, ...fields });

describe("the log groups of an environment", () => {
  const resource = (type: string, name: string, module = "module.timers") => ({
    ...{ mode: "managed", module, type, name },
    instances: [{ attributes: { name } }],
  });
  const state = {
    resources: [
      resource("aws_cloudwatch_log_group", "/aws/lambda/almanac-staging-timers-dispatch"),
      resource("aws_cloudwatch_log_group", "/aws/lambda/almanac-staging-timers-callback"),
      resource("aws_cloudwatch_log_group", "/aws/apigateway/almanac-staging-timers"),
      resource("aws_sqs_queue", "/aws/lambda/almanac-staging-timers-fires"),
    ],
  };
  const groups = logGroupsOf("staging", state);

  it("are those of its functions", () => {
    expect(groups).toEqual([CALLBACK, DISPATCH]);
  });

  it.each([
    [undefined, [CALLBACK, DISPATCH]],
    ["timers", [CALLBACK, DISPATCH]],
    ["timers-dispatch", [DISPATCH]],
    ["almanac-staging-timers-dispatch", [DISPATCH]],
  ])("are chosen by feature or function: %s", (name, chosen) => {
    expect(chosenGroups(groups, name)).toEqual(chosen);
  });

  it("are named when the name is wrong", () => {
    expect(() => chosenGroups(groups, "timer-dispatch")).toThrow("Did you mean timers-dispatch?");
    expect(() => chosenGroups(groups, "orders")).toThrow("There are: timers, timers-callback, timers-dispatch");
  });
});

describe("log lines", () => {
  it("of many groups come in time order, page by page; a group without lines yet has none", async () => {
    logs
      .on(FilterLogEventsCommand, { logGroupName: DISPATCH.name, nextToken: undefined })
      .resolves({ events: [{ timestamp: 3, message: "c\n", eventId: "3" }], nextToken: "more" })
      .on(FilterLogEventsCommand, { logGroupName: DISPATCH.name, nextToken: "more" })
      .resolves({ events: [{ timestamp: 1, message: "a", eventId: "1" }] })
      .on(FilterLogEventsCommand, { logGroupName: CALLBACK.name })
      .resolves({ events: [{ timestamp: 2, message: "b", eventId: "2" }] })
      .on(FilterLogEventsCommand, { logGroupName: group("timers-api").name })
      .rejects(new ResourceNotFoundException({ message: "none", $metadata: {} }));
    const events = await readEvents(client, [DISPATCH, CALLBACK, group("timers-api")], { from: 0 });
    expect(events.map(({ functionName, message }) => [functionName, message])).toEqual([
      ["timers-dispatch", "a"],
      ["timers-callback", "b"],
      ["timers-dispatch", "c"],
    ]);
  });

  it("about an id are those that name it, and those of the same invocation", async () => {
    const named = { timestamp: 2, message: line("fenced", { fireId: "tea" }), eventId: "2" };
    logs
      .on(FilterLogEventsCommand, { filterPattern: '"tea"' })
      .resolves({ events: [named, { timestamp: 3, message: line("other", { fireId: "tea-2" }), eventId: "3" }] })
      .on(FilterLogEventsCommand, { filterPattern: `?"${REQUEST}"` })
      .resolves({ events: [{ timestamp: 1, message: `START RequestId: ${REQUEST}`, eventId: "1" }, named] });
    const events = await readRelated(client, [DISPATCH], "tea", { from: 0, withPatterns: true });
    expect(events.map(({ key }) => key)).toEqual(["1", "2"]);
  });

  it.each([
    ["with quotes", 'order "17"', '"order "'],
    ["with a backslash", "C:\\17", '"C:"'],
    ["that is not ASCII", "größe-😀", '"größe-😀"'],
    ["longer than a pattern", `${"😀".repeat(900)}"`, `"${"😀".repeat(500)}"`],
  ])("about an id %s are found", async (_, id, filterPattern) => {
    logs.on(FilterLogEventsCommand).rejects(new Error("another pattern"));
    logs.on(FilterLogEventsCommand, { filterPattern }).resolves({
      events: [
        { timestamp: 1, message: JSON.stringify({ message: "accepted", key: id }), eventId: "1" },
        { timestamp: 2, message: `text about ${id} of a library`, eventId: "2" },
        { timestamp: 3, message: JSON.stringify({ message: "accepted", key: `${id}2` }), eventId: "3" },
      ],
    });
    const events = await readRelated(client, [DISPATCH], id, { from: 0, withPatterns: true });
    expect(events.map(({ key }) => key)).toEqual(["1", "2"]);
  });

  it("of more invocations than a pattern has room for are those of the first", async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `arn:aws:states:execution-${index}-${"x".repeat(80)}`);
    const events = ids.map((executionArn, index) => ({
      timestamp: index,
      message: line("started", { function_request_id: "", id: "tea", executionArn }),
      eventId: String(index),
    }));
    logs.on(FilterLogEventsCommand).resolves({ events });
    expect(await readRelated(client, [DISPATCH], "tea", { from: 0, withPatterns: true })).toHaveLength(40);
    const patterns = logs.commandCalls(FilterLogEventsCommand).map(({ args }) => args[0].input.filterPattern ?? "");
    expect(patterns[1]).toContain(`?"${ids[0] ?? ""}" ?"`);
    expect(Math.max(...patterns.map(({ length }) => length))).toBeLessThanOrEqual(1_024);
  });

  it("about an id are found without filter patterns, too: by message id from one function to the next", async () => {
    logs.on(FilterLogEventsCommand, { filterPattern: undefined }).resolves({
      events: [
        {
          timestamp: 1,
          message: JSON.stringify({ message: "accepted", key: "order-17", messageId: "m-1" }),
          eventId: "1",
        },
        { timestamp: 2, message: JSON.stringify({ message: "ingested", messageIds: ["m-1", "m-2"] }), eventId: "2" },
        { timestamp: 3, message: JSON.stringify({ message: "ingested", messageIds: ["m-3"] }), eventId: "3" },
      ],
    });
    const events = await readRelated(client, [DISPATCH], "order-17", { from: 0, withPatterns: false });
    expect(events.map(({ key }) => key)).toEqual(["1", "2"]);
  });

  it("are followed: each is shown once, also one that arrives late", async () => {
    const polls = [
      [{ timestamp: 1_000, message: "a", eventId: "1" }],
      [
        { timestamp: 900, message: "late", eventId: "0" },
        { timestamp: 1_000, message: "a", eventId: "1" },
      ],
    ];
    const abort = new AbortController();
    logs.on(FilterLogEventsCommand).callsFake(() => Promise.resolve({ events: polls.shift() ?? [] }));
    const shown: string[] = [];
    const following = followEvents(client, [DISPATCH], {
      ...{ from: 0, signal: abort.signal, pollMs: 1_000, now: () => 2_000 },
      sleep: () => {
        if (polls.length === 0) abort.abort();
        return Promise.resolve();
      },
    });
    for await (const { message } of following) shown.push(message);
    expect(shown).toEqual(["a", "late"]);
  });

  it.each([
    ["order 17 stored", "17", true],
    ["order 170 stored", "17", false],
    ['{"taskId":"order-1"}', "order-1", true],
    ['{"taskId":"order-1-b"}', "order-1", false],
    ["timer-tea, tea", "tea", true],
  ])("%s names %s: %s", (message, id, expected) => {
    expect(names(message, id)).toBe(expected);
  });

  it("carry the ids of their invocation", () => {
    expect(correlationIds(line("done", { xray_trace_id: "1-abc" }))).toEqual([REQUEST, "1-abc"]);
    expect(correlationIds(`REPORT RequestId: ${REQUEST}\tDuration: 1 ms`)).toEqual([REQUEST]);
    expect(correlationIds("Task timed out")).toEqual([]);
  });
});

describe("a log line for people", () => {
  const event = (message: string): LogEvent => ({
    time: Date.parse("2026-11-21T07:00:01.250Z"),
    functionName: "timers-dispatch",
    message,
    key: "1",
  });

  it("has time, function, level, message, and its own fields", () => {
    const error = { name: "ConflictError", message: "fenced off", stack: "at somewhere" };
    const message = line("not sent", { level: "ERROR", shard: "shard0", reason: "two words", failed: [1], error });
    expect(describeEvent(event(message), 15, plain)).toBe(
      '07:00:01.250  timers-dispatch  ERROR  not sent  shard=shard0  reason="two words"  failed=[1]  error="ConflictError: fenced off"',
    );
  });

  it("is plain text as it is, without what a terminal would execute", () => {
    expect(describeEvent(event("Task timed out\u001b[31m after\t3 s"), 15, plain)).toMatch(
      / Task timed out after 3 s$/,
    );
  });

  it.each([`START RequestId: ${REQUEST}`, "REPORT RequestId", '{"_aws":{},"checks":1}'])("is none: %s", (message) => {
    expect(describeEvent(event(message), 15, plain)).toBeUndefined();
  });
});

describe("a line's level", () => {
  const report = (status: string) =>
    JSON.stringify({ type: "platform.report", record: { requestId: REQUEST, status } });

  it.each([
    ["error", JSON.stringify({ level: "ERROR", message: "callback failed" }), true],
    ["error", JSON.stringify({ level: "CRITICAL", message: "callback failed" }), true],
    ["error", line("dispatched"), false],
    ["warn", JSON.stringify({ level: "WARN", message: "late" }), true],
    ["info", line("dispatched"), true],
    ["info", JSON.stringify({ _aws: {}, fired: 1 }), false],
    ["error", "Error: Runtime exited with error: signal: killed", true],
    ["error", `END RequestId: ${REQUEST}`, false],
    ["error", report("timeout"), true],
    ["error", report("success"), false],
  ] as const)("is compared with %s: %s", (level, message, shown) => {
    expect(isAtLeast(level, message)).toBe(shown);
  });

  it("is ERROR for an invocation that Lambda ended", () => {
    const event: LogEvent = { time: 0, functionName: "timers-api", message: report("timeout"), key: "1" };
    expect(describeEvent(event, 10, plain)).toBe("00:00:00.000  timers-api  ERROR  platform.report timeout");
    expect(describeEvent({ ...event, message: report("success") }, 10, plain)).toBeUndefined();
  });
});
