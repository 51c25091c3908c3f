/**
 * Reports of real plans, to be read: each plan in plans/, as `node scripts/launcher/dev.mjs record-plans` records it, and its report beside it
 * in reports/.
 * After a change that was meant: UPDATE_REPORTS=1 npx jest test/scripts/review/reports
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { toMarkdown } from "../../../scripts/review/markdown";
import { parsePlan } from "../../../scripts/review/plan";
import { reviewPlan } from "../../../scripts/review/report";

const plans = readdirSync("test/scripts/review/plans").map((file) => file.replace(/\.json$/, ""));

it.each(plans)("the report of %s", (name) => {
  const plan = parsePlan(readFileSync(`test/scripts/review/plans/${name}.json`, "utf8"));
  const markdown = toMarkdown(reviewPlan(plan, new Set()), { environment: "demo" });
  const file = `test/scripts/review/reports/${name}.md`;
  if (process.env["UPDATE_REPORTS"] !== undefined) writeFileSync(file, markdown);
  expect(markdown).toBe(readFileSync(file, "utf8"));
});

it("every plan has a report, and every report a plan", () => {
  expect(readdirSync("test/scripts/review/reports").map((file) => file.replace(/\.md$/, ""))).toEqual(plans);
});
