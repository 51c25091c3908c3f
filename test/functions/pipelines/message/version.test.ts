import { versionOrder } from "../../../../functions/pipelines/message/version";
import fc from "../../../support/fast-check";

/** The value of a decimal at a scale that keeps all its digits, or of a time in units of 10^-12 ms. */
function exact(sign: string, whole: string, fraction: string, exponent: number): bigint {
  const scale = 60n;
  const value = BigInt(whole + fraction) * 10n ** (scale + BigInt(exponent) - BigInt(fraction.length));
  return sign === "-" ? -value : value;
}

describe("a version", () => {
  it("sorts like the number that it is, of any size and with any digits", () => {
    const digits = fc.stringMatching(/^\d{1,25}$/);
    const decimal = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits,
        fc.option(fc.stringMatching(/^\d{1,20}$/), { nil: "" }),
        fc.option(fc.integer({ min: -30, max: 30 }), { nil: undefined }),
      )
      .map(([sign, whole, fraction, exponent]) => ({
        text: `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}${exponent === undefined ? "" : `e${exponent}`}`,
        value: exact(sign, whole, fraction, exponent ?? 0),
      }));
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [orderOfA = "", orderOfB = ""] = [versionOrder(a.text), versionOrder(b.text)];
        expect(Math.sign(orderOfA < orderOfB ? -1 : orderOfA > orderOfB ? 1 : 0)).toBe(
          a.value < b.value ? -1 : a.value > b.value ? 1 : 0,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["2026-11-21T07:00:00.1230001Z", "2026-11-21T07:00:00.1239999Z"],
    ["2026-11-21T07:00:00.123456788Z", "2026-11-21T07:00:00.123456789Z"],
    ["2026-11-21T07:00:00Z", "2026-11-21T07:00:00.000000001Z"],
    ["2026-11-21T08:59:59.9+01:00", "2026-11-21T08:00:00Z"],
    ["1969-12-31T23:59:59.1Z", "1969-12-31T23:59:59.2Z"],
    ["1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00Z"],
    ["99999999999999999999999999999999999999", "100000000000000000000000000000000000000"],
    ["9".repeat(1_000), `1${"0".repeat(1_000)}`],
    ["1e-400", "1e400"],
    ["0.1", "0.10000000000000000001"],
    ["-2", "-1"],
    ["-1.5", "-1"],
    ["-10.01", "-10"],
    ["1", "1.5"],
    ["-1", "0"],
  ])("%s is older than %s", (older, newer) => {
    const [a = "", b = ""] = [versionOrder(older), versionOrder(newer)];
    expect(a < b).toBe(true);
  });

  it.each([
    ["1", "1.0"],
    ["0042", "42"],
    ["1e3", "1000"],
    ["-0", "0.00"],
    ["2026-11-21T08:00:00+01:00", "2026-11-21T07:00Z"],
    ["2026-11-21T07:00:00.100Z", "2026-11-21T07:00:00.1Z"],
    ["2026-11-21t07:00:00z", "2026-11-21T07:00:00Z"],
    ["2026-11-21T07:00:00.1234567Z", "1795244400123.4567"],
  ])("%s is the same as %s", (one, other) => {
    expect(versionOrder(one)).toBe(versionOrder(other));
  });

  it.each([
    ...["", "v1", "1.2.3", "+1", "0x10", " 1", "1.", ".5", "NaN", "Infinity"],
    ...["2026-02-30T00:00:00Z", "2026-11-21T07:00:00", "2026-13-01T00:00:00Z", "2026-11-21", "2026-11-21T25:00:00Z"],
    ...["2016-12-31T23:59:60Z", "2026-11-21T07:00.5Z"],
  ])("%j is none", (text) => {
    expect(versionOrder(text)).toBeUndefined();
  });
});
