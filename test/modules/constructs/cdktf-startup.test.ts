import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

it("a synthesis does not load cdktf's compressor, which works when it is asked for", () => {
  const script = `
    require("./modules/constructs/cdktf-startup");
    const { createRequire } = require("node:module");
    const file = createRequire(require.resolve("cdktf/package.json")).resolve("archiver");
    const isLoaded = () => Object.keys(require.cache).some((name) => name.includes("/archiver/lib/"));
    const before = isLoaded();
    const archive = require(file)("zip");
    console.log(JSON.stringify([before, isLoaded(), typeof archive.finalize]));
  `;
  const output = execFileSync(process.execPath, ["--require", "tsx/cjs", "-e", script], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([false, true, "function"]);
});

it("Node.js parses no source map of cdktf and its provider", () => {
  const script = `
    require("./modules/constructs/cdktf-startup");
    require("cdktf");
    const { findSourceMap } = require("node:module");
    const own = require.resolve("./modules/constructs/cdktf-startup");
    console.log(JSON.stringify([own, require.resolve("cdktf")].map((file) => findSourceMap(file) !== undefined)));
  `;
  const output = execFileSync(process.execPath, ["--require", "tsx/cjs", "-e", script], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([true, false]);
});

it("main.ts imports it before cdktf, which has loaded its compressor otherwise", () => {
  const [first] = /(?<=^import .* from ").*(?=";$)/m.exec(readFileSync("main.ts", "utf8")) ?? [];
  expect(first).toBe("./modules/environment");
  expect(/^import "(.*)";$/m.exec(readFileSync("modules/environment.ts", "utf8"))?.[1]).toBe(
    "./constructs/cdktf-startup",
  );
});
