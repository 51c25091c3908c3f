/** Set by the nightly run. */
const NIGHTLY = process.env["ALMANAC_SIMULATIONS"] === "nightly";

/** How often a test repeats itself with other random inputs: few times in each run of the tests, many every night (`ALMANAC_SIMULATIONS=nightly npm test -- --only simulation`, and `unit`). */
export function sized(everyRun: number, nightly: number): number {
  return NIGHTLY ? nightly : everyRun;
}
