import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeAt, type Home } from "../../../scripts/shared/home";
import {
  readRecord,
  readResponding,
  readRunning,
  removeRecord,
  writeRecord,
  type RunRecord,
} from "../../../scripts/emulator/run-record";
import { identifyProcess } from "../../../scripts/shared/processes";

let home: Home;

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), "almanac-home-")));
});
afterEach(() => rm(home.folder, { recursive: true }));

function record(): RunRecord {
  const self = identifyProcess(process.pid);
  if (self === undefined) throw new Error("this process does not run");
  return {
    endpoint: "http://127.0.0.1:4566",
    port: 4566,
    emulator: { description: "MiniStack", process: self, log: "/home/emulator.log" },
    since: "2026-11-21T07:00:00.000Z",
    stopping: false,
    deployment: { at: "2026-11-21T07:01:00.000Z", features: { heartbeats: { table_name: "heartbeats" } } },
  };
}

describe("the record of what runs", () => {
  it("is read as it was written", async () => {
    await writeRecord(home, record());
    expect(await readRecord(home)).toEqual(record());
    expect(await readRunning(home)).toEqual(record());
    await removeRecord(home);
    expect(await readRecord(home)).toBeUndefined();
  });

  it("of a process that has ended means that nothing runs", async () => {
    const { emulator, ...rest } = record();
    await writeRecord(home, { ...rest, emulator: { ...emulator, process: { pid: process.pid, startedAt: "1@boot" } } });
    expect(await readRunning(home)).toBeUndefined();
    expect(await readRecord(home)).toBeDefined();
  });

  it("of a process that is about to end, its port closed, means that nothing runs; of one that stays, that it does", async () => {
    const ending = spawn(process.execPath, ["--eval", "setTimeout(() => undefined, 500)"]);
    const identity = identifyProcess(ending.pid ?? 0);
    if (identity === undefined) throw new Error("the process does not run");
    const { emulator, ...rest } = { ...record(), endpoint: "http://127.0.0.1:9" };
    await writeRecord(home, { ...rest, emulator: { ...emulator, process: identity } });
    expect(await readRunning(home)).toBeDefined();
    expect(await readResponding(home, 60_000)).toBeUndefined();
    await writeRecord(home, { ...rest, emulator });
    expect(await readResponding(home, 100)).toMatchObject({ endpoint: "http://127.0.0.1:9" });
  });

  it.each(["", "{", "{}", '{"endpoint":"nowhere"}'])("that cannot be read (%j) is none", async (text) => {
    await writeFile(home.record, text);
    expect(await readRecord(home)).toBeUndefined();
  });
});
