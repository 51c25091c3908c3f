import * as z from "zod";

import { environmentSchema, positiveInteger, text } from "../../../../functions/shared/environment";
import { scheduledHandler, type Tick } from "../../../../functions/shared/handlers/scheduled-handler";
import { lambdaContext, scheduledEvent, setupHandler } from "../../../support/lambda";

describe("a scheduled handler", () => {
  const schema = environmentSchema({ BELLS_TABLE: text, LEAD_DAYS: positiveInteger });
  const output = setupHandler("bells", { BELLS_TABLE: "bells", LEAD_DAYS: "2" });

  it("builds once, on the first invocation, and works on each", async () => {
    const ticks: Tick[] = [];
    const build = jest.fn(() => (tick: Tick) => Promise.resolve(void ticks.push(tick)));
    const handler = scheduledHandler(schema, build);
    expect(build).not.toHaveBeenCalled();
    const before = Date.now();
    await handler(scheduledEvent(), lambdaContext(30_000));
    await handler(scheduledEvent({ id: "another" }), lambdaContext());
    expect(build).toHaveBeenCalledTimes(1);
    expect(build).toHaveBeenCalledWith(
      expect.objectContaining({ environment: { BELLS_TABLE: "bells", LEAD_DAYS: 2 } }),
    );
    expect(ticks.map(({ event }) => event.id)).toEqual([scheduledEvent()["id"], "another"]);
    expect(ticks[0]).toMatchObject({ event: scheduledEvent(), scheduledAt: Date.parse("2024-11-21T06:55:00Z") });
    expect(ticks[0]?.deadline).toBeGreaterThanOrEqual(before + 30_000);
  });

  it("flushes metrics and rethrows when the work fails, and logs with this event's IDs only", async () => {
    const handler = scheduledHandler(schema, ({ logger, metrics }) => (tick) => {
      metrics.count("rung", 1);
      logger.appendKeys({ bell: tick.event.id });
      if (tick.event.id === "bad") return Promise.reject(new TypeError("cracked"));
      logger.info("rang");
      return Promise.resolve();
    });
    await expect(handler(scheduledEvent({ id: "bad" }), lambdaContext())).rejects.toThrow(TypeError);
    expect(output.lines()).toEqual([
      expect.objectContaining({
        level: "ERROR",
        eventId: "bad",
        error: expect.objectContaining({ message: "cracked" }) as unknown,
      }),
      expect.objectContaining({ rung: 1, service: "bells", environment: "almanac-test" }),
    ]);
    await expect(handler({ secret: "hush" }, lambdaContext())).rejects.toMatchObject({ name: "InvalidInputError" });
    expect(output.lines()[2]).toMatchObject({ level: "ERROR", message: "invocation failed" });
    expect(output.lines()[2]).not.toHaveProperty("eventId");
    expect(JSON.stringify(output.lines())).not.toContain("hush");
  });

  it("refuses a tick of a time to come, and accepts one of a clock that is seconds ahead", async () => {
    const work = jest.fn(() => Promise.resolve());
    const handler = scheduledHandler(schema, () => work);
    const at = (offset: number) => scheduledEvent({ time: new Date(Date.now() + offset).toISOString() });
    await expect(handler(at(5 * 60_000), lambdaContext())).rejects.toMatchObject({
      name: "InvalidInputError",
      message: "time: is in the future",
    });
    expect(work).not.toHaveBeenCalled();
    await handler(at(30_000), lambdaContext());
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("names every variable that is missing or malformed", async () => {
    process.env = { ...process.env, BELLS_TABLE: "", LEAD_DAYS: "many" };
    const handler = scheduledHandler(schema, () => () => Promise.resolve());
    const message = "environment variables: BELLS_TABLE is missing; LEAD_DAYS is not a positive whole number";
    await expect(handler(scheduledEvent(), lambdaContext())).rejects.toMatchObject({
      name: "EnvironmentError",
      message,
    });
    process.env = { ALMANAC_APP: "almanac", ALMANAC_ENVIRONMENT: "test" };
    await expect(handler(scheduledEvent(), lambdaContext())).rejects.toThrow("POWERTOOLS_SERVICE_NAME is missing");
  });

  it("names a variable that its schema rejects", () => {
    expect(() => environmentSchema({ MODE: z.enum(["a", "b"]) }).parse({ MODE: "c" })).toThrow(/MODE .*"a"\|"b"$/);
  });
});
