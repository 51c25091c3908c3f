import { table } from "../shared/table";
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
        [listed.toFixed(2), "", "together, at list price"],
        [free.toFixed(2), "", "of it free: what AWS gives every account each month, if nothing else uses it"],
      ],
    ),
    `${dollars(total)} a month${there}.`,
    "",
    "When it is used, at list price:",
    table(
      ["dollars", "for", "feature", "what"],
      uses.map(({ price, unit, module, what }) => [price.toFixed(2), unit, module || "environment", what]),
    ),
    "",
    ...(unknown.length === 0
      ? []
      : ["Not reckoned, so it costs more than that:", ...unknown.map((each) => `- ${each}`), ""]),
    "Taken for granted:",
    ...ASSUMPTIONS.map((assumption) => `- ${assumption}`),
    "- prices are those of us-east-1, without tax (scripts/shared/prices.ts); AWS's own decide",
  ].join("\n");
}

const dollars = (amount: number) => `$${amount.toFixed(2)}`;
