import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { resolve } from "node:path";
import { countReport } from "../../../../scripts/dev/test/jest";

const passed = { fullName: "a lock is taken once", status: "passed" };
const failed = { fullName: "a lock (held) isn't taken", status: "failed" };

function report(testResults: readonly object[], counts: object = {}): string {
  return JSON.stringify({
    numPassedTests: 1,
    numFailedTests: 0,
    numRuntimeErrorTestSuites: 0,
    testResults,
    ...counts,
  });
}

const fileOf = (name: string, ...assertionResults: object[]) => ({
  name: resolve(name),
  status: "failed",
  message: "● it is 2, not 1",
  assertionResults,
});

describe("a run of jest", () => {
  it("of which nothing failed has no failures", () => {
    const file = { ...fileOf("test/a.test.ts", passed), status: "passed", message: "" };
    expect(countReport("unit", 0, report([file]))).toEqual({ passed: 1, failed: 0, failures: [] });
  });

  it("tells what failed, why, and how to run that alone", () => {
    const text = report([fileOf("test/a.test.ts", passed, failed)], { numFailedTests: 1 });
    expect(countReport("unit", 1, text)).toEqual({
      passed: 1,
      failed: 1,
      failures: [
        {
          what: "test/a.test.ts",
          details: "● it is 2, not 1",
          rerun: "npx jest test/a.test.ts --selectProjects unit -t '^a lock \\(held\\) isn'\\''t taken$'",
        },
      ],
    });
  });

  it("repeats the whole file where several tests failed, or tests build on each other", () => {
    const several = report([fileOf("test/a.test.ts", failed, failed)], { numFailedTests: 2 });
    expect(countReport("unit", 1, several).failures[0]?.rerun).toBe("npx jest test/a.test.ts --selectProjects unit");
    const one = report([fileOf("test/e2e/a.test.ts", failed)], { numFailedTests: 1 });
    expect(countReport("e2e", 1, one).failures[0]?.rerun).toBe("npx jest test/e2e/a.test.ts --selectProjects e2e");
  });

  it("repeats nothing else", async () => {
    const file = "test/e2e/clock.test.ts";
    const [failure] = countReport("e2e", 1, report([fileOf(file, failed)], { numFailedTests: 1 })).failures;
    const [npx = "", ...args] = `${failure?.rerun} --listTests`.split(" ");
    const { stdout } = await promisify(execFile)(npx, args);
    expect(stdout.split("\n").filter((line) => line.endsWith(".ts"))).toEqual([resolve(file)]);
  });

  it("counts a file that could not be loaded", () => {
    const text = report([fileOf("test/a.test.ts")], { numRuntimeErrorTestSuites: 1 });
    expect(countReport("unit", 1, text)).toMatchObject({ failed: 1, failures: [{ what: "test/a.test.ts" }] });
  });

  it("fails without a failed test, too: when jest says so, or leaves no report", () => {
    expect(countReport("unit", 1, report([]))).toMatchObject({ failed: 1, failures: [{ what: "unit" }] });
    expect(countReport("unit", 1, undefined)).toEqual({
      passed: 0,
      failed: 1,
      failures: [{ what: "unit", details: "jest ended with code 1", rerun: "npm test -- --only unit" }],
    });
  });
});
