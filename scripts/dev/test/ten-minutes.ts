/** Which tests `npm test` has, so that it takes ten minutes at most. `npm test -- --all` has every test: what is added goes there first. */

/** Steps of `--all` only. */
export const ONLY_IN_ALL: readonly string[] = ["browser"];

/** End to end: the suite of each feature, on the deployed system. */
const SUITES = ["exports", "heartbeats", "pipelines", "schedules", "timers", "timers-api", "workflows"];
/** What runs Terraform for stacks other than the deployed one, or installs packages. */
const WITHOUT = ["test/clients-package", "test/modules/hcl/plan", "test/modules/stacks"];

const oneOf = (names: readonly string[]): string => `(${names.join("|")})\\.test\\.ts$`;

/** A pattern of the paths of the step's tests in `npm test`; undefined: all of them. */
export function shortPatternOf(step: string): string | undefined {
  if (step === "e2e") return `test/e2e/${oneOf(SUITES)}`;
  if (step === "module") return `^(?!.*${oneOf(WITHOUT)})`;
  return undefined;
}
