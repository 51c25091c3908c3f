/** How long the last `npm test` took, or `npm test -- --all`: it measures nothing itself. */
import { readLastRun } from "../test/last-run";
import { figure, figureAtMost, type Figure } from "./figure";

const TEST_LIMIT_S = 600;
const UNIT_LIMIT_S = 45;

export async function benchTests(): Promise<readonly Figure[]> {
  const { all, seconds, passed, failed, steps } = await readLastRun();
  return [
    all ? figure("test_all_s", seconds, "s") : figureAtMost("test_s", seconds, "s", TEST_LIMIT_S),
    ...Object.entries(steps).map(([step, { seconds: took }]) =>
      step === "unit" ? figureAtMost("unit_s", took, "s", UNIT_LIMIT_S) : figure(`${step}_s`, took, "s"),
    ),
    figure("tests", passed + failed, "tests"),
    figureAtMost("failed", failed, "tests", 0),
  ];
}
