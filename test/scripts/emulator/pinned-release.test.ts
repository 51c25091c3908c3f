import { readFileSync } from "node:fs";
import { parsePinnedRelease, pinnedRelease, REQUIREMENTS_FILE } from "../../../scripts/emulator/pinned-release";

describe("the pinned release", () => {
  it("is the one requirements.txt names", () => {
    expect(parsePinnedRelease("# a comment\nministack==1.2.3 \\\n    --hash=sha256:00\n").version).toBe("1.2.3");
    expect(pinnedRelease().version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("has another digest when anything changes", () => {
    const digests = ["ministack==1.2.3\n", "ministack==1.2.3\nh11==1\n"].map((text) => parsePinnedRelease(text).digest);
    expect(new Set(digests).size).toBe(2);
  });

  it("must be named", () => {
    expect(() => parsePinnedRelease("h11==1\n")).toThrow('has no line "ministack==<version>"');
  });

  it("comes with a hash for everything it needs, and from nowhere in particular", () => {
    const text = readFileSync(REQUIREMENTS_FILE, "utf8");
    const requirements = text.split(/\n(?=[a-z])/).slice(1);
    expect(requirements.length).toBeGreaterThan(10);
    for (const requirement of requirements)
      expect(requirement).toMatch(/^\S+==\S+ .*\\\n\s+--hash=sha256:[0-9a-f]{64}/);
    expect(text).not.toMatch(/https?:|--(extra-)?index-url|--find-links/);
  });
});
