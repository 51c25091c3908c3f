import { telemetryRow } from "../../../../functions/heartbeats/telemetry/rows";
import { targetSchema } from "../../../../functions/heartbeats/contract";
import { scheduledEvent } from "../../../support/lambda";
import fc from "../../../support/fast-check";

const event = {
  id: "1",
  time: "2026-11-21T06:55:00Z",
  source: "aws.events",
  "detail-type": "Scheduled Event",
} as const;
const observation = {
  target: "site",
  at: Date.parse("2026-11-21T06:55:01.007Z"),
  latencyMs: 12.6,
  outcome: { ok: true, status: 200 },
} as const;

describe("a telemetry row", () => {
  it("is the observation, under the time it was made at", () => {
    const whole = { ...event, ...scheduledEvent() };
    expect(telemetryRow(observation, { id: "a1b2c3d4", event: whole, telemetryDays: 90 })).toEqual({
      utcDate: "2026-11-21",
      utcTime: "06:55:01.007Z#site#a1b2c3d4",
      target: "site",
      latency: 13,
      outcome: { ok: true, status: 200 },
      event: whole,
      ttl: Date.parse("2027-02-19T06:55:01Z") / 1_000,
    });
  });

  it("shares its key with no other target and no other run, even in one millisecond", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
    const which = fc.record({ at: fc.constantFrom(0, 1), target: name, run: fc.stringMatching(/^[0-9a-f]{8}$/) });
    fc.assert(
      fc.property(which, which, (one, other) => {
        const key = ({ at, target, run }: typeof one) =>
          telemetryRow({ ...observation, at, target }, { id: run, event, telemetryDays: 1 }).utcTime;
        expect(targetSchema.shape.name.safeParse(one.target).success).toBe(true);
        expect(key(one) === key(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it("sorts by time", () => {
    const at = fc.nat(86_400_000 - 1);
    fc.assert(
      fc.property(at, at, (one, other) => {
        const key = (at: number) => telemetryRow({ ...observation, at }, { id: "0", event, telemetryDays: 1 }).utcTime;
        expect(Math.sign(key(one).localeCompare(key(other)))).toBe(Math.sign(one - other));
      }),
    );
  });
});
