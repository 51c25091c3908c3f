import { targetSchema, type TargetInput } from "../../../../functions/heartbeats/contract";
import { daysLeft, assertResponse, type CompleteResponse } from "../../../../functions/heartbeats/probe/assertions";
import fc from "../../../support/fast-check";

const answer: CompleteResponse = { status: 200, body: "", latencyMs: 10, redirects: 0 };
const target = (options: Partial<TargetInput> = {}) =>
  targetSchema.parse({ name: "site", url: "https://example.org/", ...options });

describe("assertions", () => {
  it("accept exactly the expected statuses", () => {
    const code = fc.integer({ min: 100, max: 599 });
    const range = fc.tuple(code, code).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(fc.array(fc.oneof(code, range), { minLength: 1, maxLength: 5 }), code, (expected, status) => {
        const expectedStatus = expected.map((one) => (typeof one === "number" ? one : one.join("-")));
        const included = expected.some((one) =>
          typeof one === "number" ? one === status : one[0] <= status && status <= one[1],
        );
        expect(assertResponse(target({ expectedStatus }), { ...answer, status }).ok).toBe(included);
      }),
    );
  });

  it("report redirects before an unexpected status", () => {
    expect(
      assertResponse(target({ expectedStatus: [301, "200-204"] }), { ...answer, status: 404, redirects: 2 }),
    ).toEqual({
      ok: false,
      reason: "status",
      message: "status 404 after 2 redirects, expected 301, 200-204",
      status: 404,
    });
  });

  it("fail a slow response", () => {
    expect(assertResponse(target({ maxLatencyMs: 10 }), answer).ok).toBe(true);
    expect(assertResponse(target({ maxLatencyMs: 9.5 }), answer)).toMatchObject({
      reason: "slow",
      message: expect.stringMatching(/10 ms.*9.5/) as unknown,
    });
  });

  it("check the certificate's days left, over https only", () => {
    expect(assertResponse(target({ minCertificateDays: 7 }), answer)).toEqual({ ok: true, status: 200 });
    expect(assertResponse(target({ minCertificateDays: 7 }), { ...answer, certificateDaysLeft: 7 }).ok).toBe(true);
    expect(assertResponse(target({ minCertificateDays: 2 }), { ...answer, certificateDaysLeft: 1 })).toEqual({
      ok: false,
      reason: "certificate",
      message: "the certificate expires in 1 day, at least 2 expected",
      status: 200,
      certificateDaysLeft: 1,
    });
  });

  it("give up on a regular expression that backtracks catastrophically", () => {
    const outcome = assertResponse(target({ bodyMatches: "^(a+)+$" }), { ...answer, body: `${"a".repeat(60)}!` });
    expect(outcome).toMatchObject({
      reason: "body-mismatch",
      message: expect.stringMatching(/could not be searched within 250 ms/) as unknown,
    });
  });

  it("shorten a long text in the message", () => {
    const outcome = assertResponse(target({ bodyContains: "x".repeat(5_000) }), answer);
    expect(JSON.stringify(outcome).length).toBeLessThan(250);
  });

  it("count whole days until a certificate expires", () => {
    const now = Date.parse("2026-11-21T06:00:00Z");
    expect(daysLeft(Date.parse("2026-11-24T05:59:59Z"), now)).toBe(2);
    expect(daysLeft(Date.parse("2026-11-24T06:00:00Z"), now)).toBe(3);
    expect(daysLeft(Date.parse("2026-11-21T05:59:59Z"), now)).toBe(-1);
  });
});
