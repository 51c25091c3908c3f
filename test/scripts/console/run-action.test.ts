import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runAction } from "../../../scripts/console/actions/run-action";

const folder = mkdtempSync(join(tmpdir(), "almanac-action-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The program in the place of `almanac`. */
function launcherOf(program: string): string {
  const launcher = join(folder, "launcher.cjs");
  writeFileSync(launcher, program);
  return launcher;
}

const fire = (launcher: string, longestMs?: number) =>
  runAction(
    "timers.fire",
    { kind: "periodic", id: "tea" },
    { "--env": "local" },
    { launcher, ...(longestMs !== undefined && { longestMs }) },
  );

it("has the lines of its command", async () => {
  const launcher = launcherOf("console.log(process.argv.slice(2).join(' ')); console.error('two');");
  const { output, ...result } = await fire(launcher);
  expect(result).toEqual({ ok: true });
  expect(output.split("\n").sort()).toEqual(["timers fire --env=local -- tea", "two"]);
});

it("that fails says why", async () => {
  await expect(fire(launcherOf("console.error('no such timer'); process.exit(3);"))).resolves.toEqual({
    ok: false,
    output: "no such timer",
  });
});

it.each([
  ["NUL character", "te\0a"],
  ["longer than an argument", "ä".repeat(70_000)],
])("with a value that no command can have says so: %s", async (fault, id) => {
  const launcher = launcherOf("console.log('never');");
  const result = await runAction("timers.fire", { kind: "periodic", id }, {}, { launcher });
  expect(result).toEqual({ ok: false, output: expect.stringContaining(fault) as unknown });
});

it("that takes long goes on to its end, and is not done before", async () => {
  const [go, done] = [join(folder, "go"), join(folder, "done")];
  const program = `
    const { existsSync, writeFileSync } = require("node:fs");
    setInterval(() => {
      if (!existsSync(${JSON.stringify(go)})) return;
      writeFileSync(${JSON.stringify(done)}, "");
      process.exit();
    }, 10);`;
  await expect(fire(launcherOf(program), 1)).resolves.toEqual({
    ok: true,
    isRunning: true,
    output: "It goes on: the console no longer waits for it.",
  });
  expect(existsSync(done)).toBe(false);
  writeFileSync(go, "");
  while (!existsSync(done)) await sleep(10);
});
