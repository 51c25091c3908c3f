/** The instants of crons in time zones, compared with croner's, which is another implementation. */
import { Cron } from "croner";
import { nextInstant } from "../../../functions/shared/calendar/schedule-expression";
import { HOUR_MS, MINUTE_MS } from "../../../functions/shared/time";
import { sized } from "../../support/sized";
import fc from "../../support/fast-check";

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "Europe/Dublin",
  "America/New_York",
  "America/St_Johns",
  "America/Santiago",
  "Africa/Casablanca",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Pacific/Auckland",
];

const INSTANTS = 40;

/** croner differs in a repeated hour: the last test says how. */
const CHANGE_MS = 3 * HOUR_MS;

const wholes = (min: number, max: number, most: number) =>
  fc
    .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: most })
    .map((values) => values.toSorted((a, b) => a - b).join(","));
const steps = (max: number) =>
  fc
    .tuple(fc.integer({ min: 0, max }), fc.integer({ min: 1, max: 20 }))
    .map(([from, step]) => `${from}-${max}/${step}`);

/** The fields for days: EventBridge's, croner's. */
type Days = readonly [ours: string, theirs: string];

/** An expression for each of the two: EventBridge has ? for one of the days, and croner * for both. */
const crons = fc
  .record({
    minutes: fc.oneof(wholes(0, 59, 4), steps(59)),
    hours: fc.oneof(wholes(0, 23, 4), steps(23), fc.constant("*")),
    months: fc.oneof(wholes(1, 12, 4), fc.constant("*")),
    days: fc.oneof(
      wholes(1, 31, 4).map((days): Days => [`${days} MONTH ?`, `${days} MONTH *`]),
      wholes(1, 28, 1).map((days): Days => [`${days} MONTH ?`, `${days} MONTH *`]),
      fc.constant<Days>(["L MONTH ?", "L MONTH *"]),
      fc.constantFrom("MON-FRI", "SUN", "TUE,SAT").map((days): Days => [`? MONTH ${days}`, `* MONTH ${days}`]),
      fc
        .constantFrom("FRI")
        .chain((day) =>
          fc.integer({ min: 1, max: 4 }).map((nth): Days => [`? MONTH ${day}#${nth}`, `* MONTH ${day}#${nth}`]),
        ),
    ),
  })
  .map(({ minutes, hours, months, days: [ours, theirs] }) => ({
    ours: `cron(${minutes} ${hours} ${ours.replace("MONTH", months)} *)`,
    theirs: `${minutes} ${hours} ${theirs.replace("MONTH", months)}`,
  }));

/** A format takes longer to make than to use. */
const OFFSET_FORMATS = new Map(
  ZONES.map((timeZone) => [timeZone, new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" })]),
);

/** The offset from UTC, by Intl alone. */
function offsetAt(at: number, timeZone: string): string {
  const parts = OFFSET_FORMATS.get(timeZone)?.formatToParts(at) ?? [];
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}
const isNearChange = (at: number, zone: string) => offsetAt(at - CHANGE_MS, zone) !== offsetAt(at + CHANGE_MS, zone);

function ours(schedule: string, timeZone: string, from: number, count: number): readonly number[] {
  const instants: number[] = [];
  for (
    let at = nextInstant({ schedule, timeZone }, from);
    at !== undefined;
    at = nextInstant({ schedule, timeZone }, at)
  ) {
    instants.push(at);
    if (instants.length >= count) break;
  }
  return instants;
}

const theirs = (pattern: string, timezone: string, from: number, count: number) =>
  new Cron(pattern, { timezone }).nextRuns(count, new Date(from)).map((date) => date.getTime());

describe("the instants of a cron", () => {
  it.each(ZONES)("are croner's in %s, except around changes of its offset", (zone) => {
    const times = fc.integer({ min: 0, max: 2 * 365 * 24 * 60 });
    fc.assert(
      fc.property(crons, times, (cron, minute) => {
        const from = Date.parse("2026-01-01T00:00:00Z") + minute * MINUTE_MS;
        const [mine, other] = [ours(cron.ours, zone, from, INSTANTS), theirs(cron.theirs, zone, from, INSTANTS)];
        // One of the two may have one instant more around a change: the lists end at different times.
        const end = Math.min(mine.at(-1) ?? Infinity, other.at(-1) ?? Infinity);
        const compared = (all: readonly number[]) =>
          all.filter((at) => at <= end && !isNearChange(at, zone)).map((at) => new Date(at).toISOString());
        expect(compared(mine)).toEqual(compared(other));
      }),
      { numRuns: sized(15, 300) },
    );
  });

  const iso = (all: readonly number[]) => all.map((at) => new Date(at).toISOString().slice(5, 16));

  it("in a skipped hour is at the end of the gap, as croner's", () => {
    const from = Date.parse("2027-03-27T12:00:00Z");
    expect(iso(ours("cron(30 2 * * ? *)", "Europe/Berlin", from, 2))).toEqual(["03-28T01:00", "03-29T00:30"]);
    expect(iso(theirs("30 2 * * *", "Europe/Berlin", from, 2))).toEqual(["03-28T01:00", "03-29T00:30"]);
  });

  it("in a repeated hour is in the first one, as croner's", () => {
    const from = Date.parse("2026-10-24T12:00:00Z");
    expect(iso(ours("cron(30 2 * * ? *)", "Europe/Berlin", from, 2))).toEqual(["10-25T00:30", "10-26T01:30"]);
    expect(iso(theirs("30 2 * * *", "Europe/Berlin", from, 2))).toEqual(["10-25T00:30", "10-26T01:30"]);
  });

  it("of each minute pauses in the second repeated hour; croner's does not", () => {
    const from = Date.parse("2026-10-25T00:58:30Z");
    expect(iso(ours("cron(* * * * ? *)", "Europe/Berlin", from, 2))).toEqual(["10-25T00:59", "10-25T02:00"]);
    expect(iso(theirs("* * * * *", "Europe/Berlin", from, 2))).toEqual(["10-25T00:59", "10-25T01:00"]);
  });
});
