/** Set by the nightly run. */
export const IS_NIGHTLY = process.env["ALMANAC_SIMULATIONS"] === "nightly";

/** How often a test repeats itself with other random inputs: few times in each run of the tests, many every night (`ALMANAC_SIMULATIONS=nightly npm test -- --only simulation`, and `unit`). */
export function sized(everyRun: number, nightly: number): number {
  return IS_NIGHTLY ? nightly : everyRun;
}

/** Some of a test's cases, spread over all of them, in each run of the tests; every night all. @param everyRun the most in each run */
export function sampled<Case>(cases: readonly Case[], everyRun: number): readonly Case[] {
  const step = sized(Math.ceil(cases.length / everyRun), 1);
  return cases.filter((_, index) => index % step === 0);
}
