import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../../../../scripts/shared/folder";
import { describeFileError } from "../../../../scripts/shared/terminal/file-errors";

jest.mock("node:fs", () => ({ ...jest.requireActual<typeof fs>("node:fs"), statfsSync: jest.fn() }));

const withFree = (bavail: number) => ({ bavail, bsize: 4_096, ffree: 0, files: 0 }) as fs.StatsFs;

it("a full disk is named by the folder that the person has named, and not by those in it", async () => {
  const home = fs.mkdtempSync(join(tmpdir(), "almanac-full-"));
  jest
    .mocked(fs.statfsSync)
    .mockImplementation((path) => (String(path).startsWith(home) ? withFree(0) : withFree(1_000)));
  await makeFolder(home);
  await makeFolder(join(home, "state"));
  // As a write says it, which names no file.
  expect(describeFileError({ code: "ENOSPC", syscall: "write" })).toBe(
    `${home}: no space left on the disk. Free some, and run the command again.`,
  );
  fs.rmSync(home, { recursive: true });
});
