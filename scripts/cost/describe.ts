/** The estimate of a month's cost, as text. */
import { table } from "../shared/terminal/table";
import { ASSUMPTIONS, type Estimate } from "./estimate";

/** The estimate for people. */
export function describeEstimate(environment: string, region: string, estimate: Estimate): string {
  const { idle, uses, listed, free, total, most, unknown } = estimate;
  const there = region === "us-east-1" ? "" : `; in ${region} ${dollars(most)} at most`;
  return [
    `${environment}, idle for a month:`,
    table(
      ["dollars", "feature", "what"],
      [
        ...idle.map(({ module, what, listed: price }) => [price.toFixed(2), module || "environment", what]),
        [listed.toFixed(2), "", "sum, at list price"],
        [free.toFixed(2), "", "covered by the account's monthly free allowances, if nothing else uses them"],
      ],
    ),
    `${dollars(total)} a month${there}.`,
    "",
    "In use, at list price:",
    table(
      ["dollars", "for", "feature", "what"],
      uses.map(({ price, unit, module, what }) => [price.toFixed(2), unit, module || "environment", what]),
    ),
    "",
    ...(unknown.length === 0
      ? []
      : ["Not included, so the real cost is higher:", ...unknown.map((each) => `- ${each}`), ""]),
    "Assumptions:",
    ...ASSUMPTIONS.map((assumption) => `- ${assumption}`),
    "- prices of us-east-1, without tax (scripts/shared/aws/prices.ts); AWS's price list is authoritative",
  ].join("\n");
}

const dollars = (amount: number) => `$${amount.toFixed(2)}`;
