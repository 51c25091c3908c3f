/** Set by the nightly run. */
const NIGHTLY = process.env["ALMANAC_SIMULATIONS"] === "nightly";

/** The size of a simulation or of a comparison with another implementation: small in each run of the tests, large every night (`ALMANAC_SIMULATIONS=nightly npm test -- --only simulation`). */
export function sized(everyRun: number, nightly: number): number {
  return NIGHTLY ? nightly : everyRun;
}
