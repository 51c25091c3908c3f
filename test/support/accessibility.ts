/** Whether a page in a browser is accessible. */
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** Violations of WCAG 2.2 A and AA and of best practices: rule, explanation, location. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Where it is asked for, not in each page that is opened: half a megabyte. Evaluated: a Content-Security-Policy allows no other script.
  await page.evaluate(axe.source);
  const results = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })');
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = "" }) => `${id}: ${help}: ${target.join(" ")} ${failureSummary}`),
  );
}
