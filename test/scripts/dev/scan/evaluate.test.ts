import { evaluate } from "../../../../scripts/dev/scan/evaluate";
import { WAIVERS } from "../../../../scripts/dev/scan/waivers";

const finding = (check: string, at = "staging/bells resource.ring") => ({ check, name: "Ensure that it is so", at });

describe("a scan", () => {
  it("lets nothing pass but what is waived", () => {
    const { open, stale } = evaluate([finding("A_1"), finding("A_2")], [{ check: "A_1", reason: "because" }]);
    expect(open.map(({ check }) => check)).toEqual(["A_2"]);
    expect(stale).toEqual([]);
  });

  it("lets a waiver hold only where it says", () => {
    const waiver = { check: "A_1", reason: "because", only: /^staging\// };
    const { open } = evaluate([finding("A_1"), finding("A_1", "production/bells resource.ring")], [waiver]);
    expect(open.map(({ at }) => at)).toEqual(["production/bells resource.ring"]);
  });

  it("refuses waivers that nothing needs", () => {
    const waiver = { check: "A_1", reason: "because" };
    expect(evaluate([], [waiver]).stale).toEqual([waiver]);
  });
});

it("has a reason for every waiver, and one waiver for each check and place", () => {
  for (const { reason } of WAIVERS) expect(reason.length).toBeGreaterThan(20);
  const keys = WAIVERS.map(({ check, only }) => `${check} ${only?.source ?? ""}`);
  expect(new Set(keys).size).toBe(keys.length);
});
