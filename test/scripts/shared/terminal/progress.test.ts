import { PassThrough } from "node:stream";
import { bar, count, duration, progressOn, size } from "../../../../scripts/shared/terminal/progress";

function written(isTTY: boolean) {
  const out = Object.assign(new PassThrough(), { isTTY });
  let now = 0;
  return {
    progress: progressOn(out, () => now),
    wait: (milliseconds: number) => (now += milliseconds),
    text: () => String(out.read() ?? ""),
  };
}

describe("progress", () => {
  it("overwrites its line on a terminal, and what was longer before", () => {
    const { progress, text } = written(true);
    progress.show(0.5, "five items");
    progress.show(1, "ten");
    progress.end();
    const [first = "", second = "", ...more] = text().split("\r").slice(1);
    expect([first, second.trimEnd(), more]).toEqual([`${bar(0.5)} five items`, `${bar(1)} ten`, []]);
    expect(second.trimEnd().length).toBeLessThan(second.length - 1);
    expect(second.endsWith("\n")).toBe(true);
  });

  it("writes a line every ten seconds into a log, and nothing of a terminal's", () => {
    const { progress, wait, text } = written(false);
    for (let second = 0; second <= 20; second++) {
      progress.show(second / 20, `${second}`);
      wait(1_000);
    }
    progress.end();
    expect(text()).toBe([0, 10, 20].map((second) => `${bar(second / 20)} ${second}\n`).join(""));
  });

  it("ends with nothing where nothing was shown", () => {
    const { progress, text } = written(true);
    progress.end();
    expect(text()).toBe("");
  });
});

describe("what people read", () => {
  it.each([
    [undefined, `[${"-".repeat(24)}]`],
    [0, `[${"-".repeat(24)}] 0 %`],
    [0.5, `[${"#".repeat(12)}${"-".repeat(12)}] 50 %`],
    [0.999, `[${"#".repeat(24)}] 99 %`],
    [1.7, `[${"#".repeat(24)}] 100 %`],
    [-1, `[${"-".repeat(24)}] 0 %`],
  ])("has a bar for %s", (share, text) => {
    expect(bar(share)).toBe(text);
  });

  it.each([
    [0, "0 s"],
    [-5, "0 s"],
    [59.4, "59 s"],
    [59.6, "1 min 0 s"],
    [200, "3 min 20 s"],
    [3_599.9, "1 h 0 min"],
    [90_061, "25 h 1 min"],
  ])("has %s seconds as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [9_940, "9.9 kB"],
    [10_000, "10 kB"],
    [1_234_567_890, "1.2 GB"],
    [5e13, "50 TB"],
  ])("has %s bytes as %s", (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  it("has thousands apart", () => {
    expect(count(50_000)).toBe("50,000");
  });
});
