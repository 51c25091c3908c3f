import { timeOption } from "../../../../scripts/features/exports/time-option";
import { UsageError } from "../../../../scripts/shared/terminal/command-line";

describe("a time that is passed as an option", () => {
  it.each(["2026-11-01T00:00Z", "2026-02-28T23:59:59.999Z", "2028-02-29T00:00:00Z", "2026-11-30T00:00+05:30"])(
    "%s",
    (text) => {
      expect(timeOption("set", text)).toBe(Date.parse(text));
    },
  );

  it.each([
    ...["2026-11-31T00:00Z", "2026-02-30T12:00Z", "2027-02-29T00:00Z", "2026-13-01T00:00Z", "2026-11-00T00:00Z"],
    ...[
      "2026-11-01",
      "2026-11-01T00:00",
      "2026-11-01T25:00Z",
      "2026-11-01T00:00+0100",
      "2026-11-31T00:00-12:00",
      "yesterday",
      "1795194002",
      "",
    ],
  ])("that is none, or of no day, is refused: %s", (text) => {
    const parse = () => timeOption("set", text);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(`--set: "${text}" is not a time such as 2026-11-01T00:00Z`);
  });

  it("may be left out", () => {
    expect(timeOption("set", undefined)).toBeUndefined();
  });
});
