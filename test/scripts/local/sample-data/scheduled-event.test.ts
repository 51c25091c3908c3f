import { scheduledEvent } from "../../../../scripts/local/sample-data";

it("invokes the checker with what EventBridge would send", () => {
  const { id, ...event } = scheduledEvent(new Date("2026-11-21T07:00:00.123Z"));
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(event).toEqual({
    version: "0",
    "detail-type": "Scheduled Event",
    source: "almanac.start",
    account: "000000000000",
    time: "2026-11-21T07:00:00Z",
    region: "eu-central-1",
    resources: [],
    detail: {},
  });
});
