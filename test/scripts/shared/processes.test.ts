import { spawn } from "node:child_process";
import { once } from "node:events";
import { endProcessGroup, identifyProcess, isRunning } from "../../../scripts/shared/processes";

function startSleeper() {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity === undefined) throw new Error("the sleeper did not start");
  return { child, identity };
}

describe("a process that was started earlier", () => {
  it("is known again, and ended", async () => {
    const { child, identity } = startSleeper();
    const ended = once(child, "exit");
    expect(isRunning(identity)).toBe(true);
    expect(await endProcessGroup(identity, 5_000)).toBe(true);
    await ended;
    expect(isRunning(identity)).toBe(false);
    expect(await endProcessGroup(identity, 5_000)).toBe(false);
  });

  it("is not taken for a later one with its number", async () => {
    const { child, identity } = startSleeper();
    const earlier = { ...identity, startedAt: "1@another-boot" };
    expect(isRunning(earlier)).toBe(false);
    expect(await endProcessGroup(earlier, 5_000)).toBe(false);
    expect(isRunning(identity)).toBe(true);
    child.kill("SIGKILL");
    await once(child, "exit");
  });

  it("does not run when nothing has its number", () => {
    expect(identifyProcess(2 ** 22 + 1)).toBeUndefined();
  });
});
