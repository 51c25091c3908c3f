import { eventsOf, nextTick, ticksOf } from "../../../../scripts/features/schedules/feature-ticks";

const at = Date.parse;
const next = (schedule: string, last: string | undefined, timeZone = "UTC") => {
  const due = nextTick({ schedule, timeZone }, last === undefined ? undefined : at(last), at("2026-11-21T17:04:00Z"));
  return due === undefined ? undefined : new Date(due).toISOString().slice(0, 16);
};

describe("the next tick of a rule", () => {
  it("is a whole number of intervals after the last one, for a rate", () => {
    expect(next("rate(5 minutes)", "2026-11-21T17:02:00Z")).toBe("2026-11-21T17:07");
    expect(next("rate(5 minutes)", "2026-11-21T16:32:00Z")).toBe("2026-11-21T17:07");
  });

  it("is not known for a rate without a run", () => {
    expect(next("rate(5 minutes)", undefined)).toBeUndefined();
  });

  it("is that of the cron in its time zone", () => {
    expect(next("cron(0 17 * * ? *)", undefined)).toBe("2026-11-22T17:00");
    expect(next("cron(0 19 * * ? *)", undefined, "Europe/Berlin")).toBe("2026-11-21T18:00");
  });

  it.each(["at(2026-12-01T00:00:00)", "cron(0 17 1,L * ? *)", ""])("is not known for %j", (expression) => {
    expect(next(expression, "2026-11-21T17:02:00Z")).toBeUndefined();
  });
});

describe("the ticks of a Terraform state", () => {
  const managed = (feature: string, type: string, attributes: object) => ({
    mode: "managed",
    module: `module.${feature}`,
    type,
    name: "x",
    instances: [{ attributes }],
  });
  const rule = (feature: string, name: string, schedule_expression?: string) =>
    managed(feature, "aws_cloudwatch_event_rule", {
      name,
      arn: `arn:aws:events:eu-central-1:123456789012:rule/${name}`,
      schedule_expression,
    });
  const target = (feature: string, name: string, input_template?: string) =>
    managed(feature, "aws_cloudwatch_event_target", {
      rule: name,
      arn: `arn:aws:lambda:eu-central-1:123456789012:function:of-${name}`,
      input_transformer: input_template === undefined ? [] : [{ input_paths: { id: "$.id" }, input_template }],
    });
  // The app has the name of the environment in its own.
  const app = "my-staging-app-staging";
  const [orders, dispatch, onEvent] = [
    `${app}-exports-schedule-orders`,
    `${app}-timers-dispatch-0`,
    `${app}-exports-on`,
  ];
  const ticks = ticksOf("staging", {
    resources: [
      rule("timers", dispatch, "rate(1 minute)"),
      ...[0, 1, 2].map((index) => target("timers", dispatch, `{"id": <id>, "target": ${index}, "targets": 3}`)),
      rule("exports", orders, "cron(0 17 * * ? *)"),
      target("exports", orders),
      // Of events, and of no function.
      rule("exports", onEvent),
      target("exports", onEvent),
      rule("heartbeats", `${app}-heartbeats-check-schedule`, "rate(5 minutes)"),
    ],
  });

  it("are the rules with a schedule and a function, by the names of their features", () => {
    expect(ticks.map(({ name, schedule }) => [name, schedule])).toEqual([
      ["exports-orders", "cron(0 17 * * ? *)"],
      ["timers-dispatch-0", "rate(1 minute)"],
    ]);
  });

  it("are fired by the events that EventBridge sends: one, or one for each target", () => {
    const now = at("2026-11-21T17:04:00Z");
    const [one, many] = ticks.map((tick) => eventsOf(tick, now));
    expect(one).toEqual([
      expect.objectContaining({
        source: "aws.events",
        "detail-type": "Scheduled Event",
        time: "2026-11-21T17:04:00Z",
        account: "123456789012",
        region: "eu-central-1",
        resources: [`arn:aws:events:eu-central-1:123456789012:rule/${orders}`],
      }),
    ]);
    expect(many?.map((event) => [event["target"], event["targets"]])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
  });
});
