import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../../../scripts/shared/folder";

describe("a folder that a person names", () => {
  let parent: string;
  beforeEach(async () => (parent = await mkdtemp(join(tmpdir(), "almanac-folder-"))));
  afterEach(() => rm(parent, { recursive: true }));

  it("is made with its parents, by several commands at once, and may exist", async () => {
    const folder = join(parent, "a", "b", "c");
    await Promise.all([makeFolder(folder), makeFolder(folder), makeFolder(folder)]);
    await makeFolder(folder);
    expect((await stat(folder)).isDirectory()).toBe(true);
  });

  it("that cannot be made is an error that names it", async () => {
    await writeFile(join(parent, "file"), "");
    await symlink(join(parent, "missing"), join(parent, "broken"));
    await expect(makeFolder(join(parent, "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(makeFolder(join(parent, "file", "a", "b"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(makeFolder(join(parent, "broken"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(makeFolder(join(parent, "broken", "a"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it("has no place in /proc: that is an error, not an endless try", async () => {
    if (process.platform !== "linux") return;
    await expect(makeFolder("/proc/almanac/x")).rejects.toMatchObject({ code: "ENOENT", path: "/proc/almanac" });
  });
});
