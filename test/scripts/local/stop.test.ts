import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeRecord } from "../../../scripts/emulator/run-record";
import { stopLocal } from "../../../scripts/local/stop";
import { homeAt } from "../../../scripts/shared/home";
import { identifyProcess } from "../../../scripts/shared/processes";

it("what runs is stopped although nothing more can be written", async () => {
  const home = homeAt(mkdtempSync(join(tmpdir(), "almanac-home-")));
  const emulator = spawn(process.execPath, ["--eval", "setInterval(() => undefined, 1000)"], { detached: true });
  const ended = new Promise((settle) => emulator.on("close", settle));
  const identity = identifyProcess(emulator.pid ?? 0);
  if (identity === undefined) throw new Error("the process does not run");
  await writeRecord(home, {
    endpoint: "http://127.0.0.1:9",
    port: 9,
    emulator: { description: "MiniStack", process: identity, log: join(home.folder, "emulator.log") },
    since: "2026-11-21T07:00:00.000Z",
    stopping: false,
  });
  // In the place of the file that is renamed into the record.
  mkdirSync(`${home.record}.${process.pid}`);
  expect(await stopLocal(home)).toEqual({ endpoint: "http://127.0.0.1:9" });
  await ended;
  expect(existsSync(home.record)).toBe(false);
  rmSync(home.folder, { recursive: true });
});
