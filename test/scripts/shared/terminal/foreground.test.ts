import { spawnSync } from "node:child_process";

const PTY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasPty = process.platform !== "win32" && spawnSync("python3", ["-c", "import pty"]).status === 0;

const PROBE = `
  const { isInForeground } = require("./scripts/shared/terminal/foreground.ts");
  console.log(process.argv[1], String(isInForeground()));`;
const probe = (name: string) => `'${process.execPath}' --import tsx -e '${PROBE}' ${name}`;

(hasPty ? it : it.skip)("tells a shell's background job from the job in the foreground", () => {
  // With job control, as a person's shell has it.
  const shell = ["bash", "-mc", `${probe("background")} & wait; ${probe("foreground")}`];
  const { stdout } = spawnSync("python3", ["-c", PTY, ...shell], { encoding: "utf8" });
  expect(stdout).toContain("background false");
  expect(stdout).toContain("foreground true");
});

it("is the foreground without a terminal", () => {
  const { stdout } = spawnSync("bash", ["-c", probe("pipe")], { encoding: "utf8" });
  expect(stdout).toContain("pipe true");
});
