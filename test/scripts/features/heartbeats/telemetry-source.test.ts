import { DynamoDBClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { telemetryRow } from "../../../../functions/heartbeats/telemetry/rows";
import type { Outcome } from "../../../../functions/heartbeats/contract";
import { daysToRead, telemetrySource } from "../../../../scripts/features/heartbeats/telemetry-source";

const NOON = Date.parse("2026-11-21T12:00:00Z");
const MINUTE = 60_000;
const GOOD: Outcome = { ok: true, status: 200, certificateDaysLeft: 42 };
const BAD: Outcome = { ok: false, reason: "status", message: "status 500, expected 200-299", status: 500 };

const event = {} as Parameters<typeof telemetryRow>[1]["event"];
const row = (target: string, at: number, outcome: Outcome = GOOD) =>
  telemetryRow({ target, at, latencyMs: 42, outcome }, { id: "1", event, telemetryDays: 90 });

describe("the telemetry table", () => {
  const dynamodb = mockClient(DynamoDBClient);
  beforeEach(() => dynamodb.reset());

  /** A table with these rows, which gives so many at a time. */
  const given = (rows: readonly ReturnType<typeof row>[], pageRows = 2): void => {
    dynamodb.on(QueryCommand).callsFake((input: QueryCommandInput) => {
      const { ":day": day, ":from": from } = input.ExpressionAttributeValues ?? {};
      const found = rows
        .filter(({ utcDate, utcTime }) => utcDate === day?.S && utcTime >= (from?.S ?? ""))
        .sort((a, b) => (a.utcTime < b.utcTime ? 1 : -1));
      const start = Number(input.ExclusiveStartKey?.["next"]?.N ?? 0);
      const next = start + pageRows;
      return {
        Items: found.slice(start, next).map((item) => marshall(item)),
        ...(next < found.length && { LastEvaluatedKey: { next: { N: String(next) } } }),
      };
    });
  };
  const read = async (now = NOON) => telemetrySource(new DynamoDBClient(), "almanac-test-heartbeats").read(now);
  const every = (minutes: number, count: number, target: string, outcome: (index: number) => Outcome, last = NOON) =>
    Array.from({ length: count }, (_, index) => row(target, last - index * minutes * MINUTE, outcome(index)));

  it("tells the latest check of each target, by name, and counts its failures, page by page", async () => {
    given([
      ...every(5, 7, "site", (index) => (index === 2 || index === 5 ? BAD : GOOD)),
      ...every(5, 3, "api", (index) => (index === 0 ? BAD : GOOD)),
    ]);
    expect(await read()).toEqual({
      source: "the table almanac-test-heartbeats",
      incidents: [],
      targets: [
        {
          name: "api",
          state: "down",
          failuresToday: 1,
          uptime: null,
          lastCheck: {
            at: "2026-11-21T12:00:00.000Z",
            ok: false,
            latencyMs: 42,
            message: "status 500, expected 200-299",
            certificateDaysLeft: null,
          },
        },
        {
          name: "site",
          state: "up",
          failuresToday: 2,
          uptime: null,
          lastCheck: {
            at: "2026-11-21T12:00:00.000Z",
            ok: true,
            latencyMs: 42,
            message: null,
            certificateDaysLeft: 42,
          },
        },
      ],
    });
  });

  it("looks back over midnight, and counts the failures of today only", async () => {
    const justAfterMidnight = Date.parse("2026-11-21T00:01:00Z");
    given(every(5, 4, "site", () => BAD, justAfterMidnight - 30_000));
    expect((await read(justAfterMidnight))?.targets).toEqual([
      expect.objectContaining({ name: "site", state: "down", failuresToday: 1 }),
    ]);
    expect(daysToRead(justAfterMidnight)).toEqual([
      ["2026-11-21", "00:00"],
      ["2026-11-20", "16:01:00.000Z"],
    ]);
    expect(daysToRead(NOON)).toEqual([["2026-11-21", "00:00"]]);
  });

  it("takes nobody for up who was not checked lately, by its own interval", async () => {
    const last = NOON - 20 * MINUTE;
    given([
      ...every(5, 9, "often", () => GOOD, last),
      ...every(60, 3, "seldom", () => GOOD, last),
      row("once", last),
      // A doubled tick, and one by hand, make no interval.
      row("doubled", last + 1),
      row("doubled", last + 2_000),
      ...every(60, 5, "doubled", () => GOOD, last),
    ]);
    expect((await read())?.targets.map(({ name, state }) => [name, state])).toEqual([
      ["doubled", "up"],
      ["often", "unknown"],
      ["once", "unknown"],
      ["seldom", "up"],
    ]);
  });

  it("may be empty", async () => {
    given([]);
    expect((await read())?.targets).toEqual([]);
  });
});
