import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireOwnModule } from "../../../scripts/commands/modules";

it("almanac modules replaces a module that it has written, and no other folder, such as this project's sources", async () => {
  const folder = await mkdtemp(join(tmpdir(), "almanac-modules-"));
  try {
    await requireOwnModule(join(folder, "missing"));
    await requireOwnModule(folder);
    await mkdir(join(folder, "timers"));
    await writeFile(join(folder, "timers", "module.json"), "{}");
    await requireOwnModule(join(folder, "timers"));
    await expect(requireOwnModule(folder)).rejects.toThrow("choose another folder");
    await expect(requireOwnModule("modules/timers")).rejects.toThrow("choose another folder");
  } finally {
    await rm(folder, { recursive: true });
  }
});
