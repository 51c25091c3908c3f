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

  it("rejects a day that is none", async () => {
    await expect(handler({ day: "yesterday" }, lambdaContext(4_000))).rejects.toThrow("day");
  });
});
