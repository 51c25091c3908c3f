import * as z from "zod";

import { handler } from "../../../functions/exports/start-export";
import { aws, configure, setupExports, timesInvoked } from "../../support/exports-system";
import { lambdaContext } from "../../support/lambda";

setupExports();
beforeEach(() => {
  process.env["STATE_MACHINE_ARN"] = "arn:aws:states:eu-central-1:000000000000:stateMachine:exports";
  configure({ name: "orders", table: "orders" });
});

const started = () => aws.requests.filter(({ action }) => action === "StartExecution").map(({ body }) => body);

describe("the function that starts exports", () => {
  it.each([
    [{ key1: "value1", key2: "value2", key3: "value3" }],
    [{}],
    [null],
    ["now"],
    [[1]],
    [{ day: undefined, source: "me" }],
    // Test events of the console, of services that have a time.
    [
      {
        id: "cdc73f9d-aea9-11e3-9d5a-835b769c0d9c",
        "detail-type": "Scheduled Event",
        source: "aws.events",
        account: "123456789012",
        time: "1970-01-01T00:00:00Z",
        region: "us-east-1",
        resources: ["arn:aws:events:us-east-1:123456789012:rule/ExampleRule"],
        detail: {},
      },
    ],
    [{ "detail-type": "Object Created", source: "aws.s3", time: "2026-11-21T17:00:00Z", resources: [], detail: {} }],
    [{ source: "aws.cloudwatch", alarmArn: "arn", time: "2026-11-21T17:00:00.000+0000", region: "us-east-1" }],
    [
      {
        "detail-type": "Scheduled Event",
        source: "aws.scheduler",
        id: "1",
        time: "2026-11-21T17:00:00Z",
        resources: [],
      },
    ],
    [{ time: 5, Records: [] }],
  ])("runs the only export, whatever the event is: %j", async (event) => {
    expect(await handler(event, lambdaContext(4_000))).toMatchObject({ statusCode: 200 });
    expect(started()).toEqual([
      expect.objectContaining({ input: expect.stringContaining('"trigger":"manual"') as unknown }),
    ]);
  });

  it("runs the scheduled run of the event's day, once an event", async () => {
    const event = {
      "detail-type": "Scheduled Event",
      id: "event-1",
      time: "2026-11-21T17:00:00Z",
      resources: ["arn:aws:events:eu-central-1:000000000000:rule/almanac-test-exports-schedule-orders"],
    };
    await handler(event, lambdaContext(4_000));
    expect(started()).toEqual([
      {
        stateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:exports",
        name: "orders-event-1",
        input: JSON.stringify({
          export: "orders",
          trigger: "schedule",
          force: false,
          day: "2026-11-21",
          due: Date.parse("2026-11-21T17:00:00Z"),
        }),
      },
    ]);
    expect(timesInvoked("claimRun")).toBe(0);
  });

  it("starts what is due in the schedule's time zone, and nothing else, also when the clock changes", async () => {
    const berlin = { expression: "cron(30 2 * * ? *)", timeZone: "Europe/Berlin" };
    configure({ name: "orders", table: "orders" }, berlin);
    const inputs = async (time: string) => {
      aws.requests = [];
      const event = {
        "detail-type": "Scheduled Event",
        id: time.replace(/\W/g, ""),
        time,
        resources: ["rule/x-exports-schedule-orders"],
      };
      await handler(event, lambdaContext(4_000));
      return started().map((request) => JSON.parse(z.object({ input: z.string() }).parse(request).input) as unknown);
    };
    expect(await inputs("2026-11-21T01:30:00Z")).toMatchObject([
      { day: "2026-11-21", due: Date.parse("2026-11-21T01:30:00Z") },
    ]);
    expect(await inputs("2026-11-21T00:30:00Z")).toEqual([]);
    // 02:30 does not exist on 29 March: due at 03:00, 01:00 UTC.
    expect(await inputs("2026-03-29T01:30:00Z")).toMatchObject([
      { day: "2026-03-29", due: Date.parse("2026-03-29T01:00:00Z") },
    ]);
  });

  it("starts the hour of an hourly schedule", async () => {
    configure({ name: "orders", table: "orders" }, { expression: "rate(1 hour)", timeZone: "UTC" });
    const event = {
      "detail-type": "Scheduled Event",
      id: "1",
      time: "2026-11-21T17:00:09Z",
      resources: ["rule/x-exports-schedule-orders"],
    };
    await handler(event, lambdaContext(4_000));
    expect(started()).toMatchObject([{ input: expect.stringContaining('"day":"2026-11-21","time":"17"') as unknown }]);
  });

  it("rejects a day that is none", async () => {
    await expect(handler({ day: "yesterday" }, lambdaContext(4_000))).rejects.toThrow("day");
  });
});
