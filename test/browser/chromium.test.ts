import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumPath, NoBrowserError } from "../support/chromium";

describe("the browser of the tests", () => {
  const folder = mkdtempSync(join(tmpdir(), "almanac-browser-"));
  const executable = (name: string) => {
    const path = join(folder, name);
    writeFileSync(path, "");
    chmodSync(path, 0o755);
    return path;
  };
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("is the one that CHROMIUM_PATH names", () => {
    const own = executable("my-browser");
    expect(chromiumPath({ CHROMIUM_PATH: own })).toBe(own);
  });

  it("is no other, when the one named can't be run", () => {
    expect(() => chromiumPath({ CHROMIUM_PATH: "/nowhere/chromium" })).toThrow(
      new NoBrowserError("CHROMIUM_PATH is /nowhere/chromium, which can't be run"),
    );
  });

  it("is the first on the PATH", () => {
    const chrome = executable("google-chrome");
    expect(chromiumPath({ PATH: `/nowhere::${folder}` })).toBe(chrome);
  });
});
