/** Which tests `npm test` leaves to `npm test -- --all`. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { shortPatternOf } from "../../../../scripts/dev/test/ten-minutes";

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .map((file) => join("test", file))
  .filter((file) => file.endsWith(".test.ts"));
const chosen = (step: string, within: RegExp) => {
  const pattern = new RegExp(shortPatternOf(step) ?? "");
  return files.filter((file) => within.test(file) && pattern.test(`/somewhere/${file}`));
};

test("npm test has the suite of each feature, end to end", () => {
  const names = chosen("e2e", /^test\/e2e\//).map((file) => file.slice("test/e2e/".length, -".test.ts".length));
  expect(names.sort()).toEqual([
    "exports",
    "heartbeats",
    "pipelines",
    "schedules",
    "timers",
    "timers-api",
    "workflows",
  ]);
});

test("npm test has all module tests but three, and all unit tests and simulations", () => {
  const inModule = /^test\/(modules\/|[^/]+$)/;
  const left = files.filter((file) => inModule.test(file) && !chosen("module", inModule).includes(file));
  expect(left.sort()).toEqual([
    "test/clients-package.test.ts",
    "test/modules/hcl/plan.test.ts",
    "test/modules/stacks.test.ts",
  ]);
  expect([shortPatternOf("unit"), shortPatternOf("simulation")]).toEqual([undefined, undefined]);
});
