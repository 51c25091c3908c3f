import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockOwner, withLock } from "../../../scripts/shared/lock-file";

let folder: string;
let lock: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "almanac-lock-"));
  lock = join(folder, "start.lock");
});
afterEach(() => rm(folder, { recursive: true }));

describe("the lock", () => {
  it("lets one in at a time, and tells the other who is inside", async () => {
    const events: string[] = [];
    const waited: number[] = [];
    await new Promise<void>((bothDone) => {
      void withLock(lock, {}, async () => {
        events.push("first in");
        await new Promise<void>((secondWaits) => {
          const onWait = (pid: number) => {
            waited.push(pid);
            secondWaits();
          };
          void withLock(lock, { onWait }, () => {
            events.push("second in");
            return Promise.resolve();
          }).then(bothDone);
        });
        events.push("first out");
      });
    });

    expect(events).toEqual(["first in", "first out", "second in"]);
    expect(waited).toEqual([process.pid]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("says who has it, for others that do not wait", async () => {
    expect(await lockOwner(lock)).toBeUndefined();
    const inside = await withLock(lock, {}, () => lockOwner(lock));
    expect(inside?.pid).toBe(process.pid);
    await writeFile(lock, JSON.stringify({ pid: process.pid, startedAt: "1@another-boot" }));
    expect(await lockOwner(lock)).toBeUndefined();
    await rm(lock);
  });

  it("is given back when the work fails", async () => {
    await expect(withLock(lock, {}, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ["a process that has ended", JSON.stringify({ pid: process.pid, startedAt: "1@another-boot" })],
    ["nobody that can be read", "{"],
  ])("held by %s holds nobody up", async (_, text) => {
    await writeFile(lock, text);
    expect(await withLock(lock, {}, () => Promise.resolve("in"))).toBe("in");
    expect(await readdir(folder)).toEqual([]);
  });

  it("is not waited for any longer when interrupted", async () => {
    const interrupt = new AbortController();
    await withLock(lock, {}, async () => {
      const waiting = withLock(lock, { signal: interrupt.signal }, () => Promise.resolve());
      interrupt.abort(new Error("interrupted"));
      await expect(waiting).rejects.toThrow("interrupted");
    });
  });
});
