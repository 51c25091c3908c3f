import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A clone with one dependency, and an npm that fails while another one installs. */
const clone = mkdtempSync(join(tmpdir(), "almanac-clone-"));
const launcher = join(clone, "scripts", "launcher", "prepare.mjs");
const lock = join(clone, ".almanac", "install.lock");
const PACKAGES = { "": {}, "node_modules/a": { version: "1" } };
const NPM = `#!${process.execPath}
const { appendFileSync, mkdirSync, rmSync, writeFileSync } = require("node:fs");
appendFileSync("calls", "npm ci\\n");
mkdirSync("busy");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
mkdirSync("node_modules", { recursive: true });
writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/a": { version: "1" } } }));
rmSync("busy", { recursive: true });
`;

beforeAll(() => {
  mkdirSync(join(clone, "scripts", "launcher"), { recursive: true });
  cpSync("scripts/launcher/prepare.mjs", launcher);
  mkdirSync(join(clone, "bin"));
  writeFileSync(join(clone, "bin", "npm"), NPM);
  chmodSync(join(clone, "bin", "npm"), 0o755);
});
beforeEach(() => {
  for (const name of ["node_modules", "busy", "calls", ".almanac"])
    rmSync(join(clone, name), { recursive: true, force: true });
  writeFileSync(join(clone, "package-lock.json"), JSON.stringify({ packages: PACKAGES }));
});
afterAll(() => {
  rmSync(clone, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function launch(statements: string): Promise<Ended> {
  const code = `import * as launcher from ${JSON.stringify(pathToFileURL(launcher).href)}; ${statements}`;
  const PATH = [join(clone, "bin"), process.env["PATH"]].join(delimiter);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    env: { ...process.env, PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((settle) => {
    child.on("close", (ended) => {
      settle({ code: ended, stderr });
    });
  });
}

/** A command's first step. @returns its exit code */
const start = async () => (await launch("launcher.enterProject(); launcher.installOnce();")).code;

const source = join(clone, "scripts", "almanac.ts");

function installEsbuild(): void {
  mkdirSync(join(clone, "node_modules"), { recursive: true });
  for (const name of ["esbuild", "@esbuild"])
    symlinkSync(resolve("node_modules", name), join(clone, "node_modules", name));
  writeFileSync(join(clone, "node_modules", ".package-lock.json"), JSON.stringify({ packages: PACKAGES }));
}

const calls = () => readFileSync(join(clone, "calls"), "utf8").trim().split("\n");

describe("commands in a fresh clone", () => {
  it("install its dependencies once, however many begin at once", async () => {
    expect(await Promise.all([start(), start(), start()])).toEqual([0, 0, 0]);
    expect(calls()).toEqual(["npm ci"]);
    expect(existsSync(lock)).toBe(false);
    expect(await start()).toBe(0);
    expect(calls()).toHaveLength(1);
  });

  it("install again when package-lock.json has a package more, of the project's own too", async () => {
    expect(await start()).toBe(0);
    const packages = {
      ...PACKAGES,
      "node_modules/command": { resolved: "scripts/launcher", link: true },
      "scripts/launcher": { version: "1" },
    };
    writeFileSync(join(clone, "package-lock.json"), JSON.stringify({ packages }));
    expect(await start()).toBe(0);
    expect(calls()).toHaveLength(2);
  });

  it("do not wait for one that was killed while it installed", async () => {
    const ended = spawn(process.execPath, ["--eval", ""]);
    await new Promise((settle) => ended.on("close", settle));
    mkdirSync(join(clone, ".almanac"));
    writeFileSync(lock, String(ended.pid));
    expect(await start()).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  it("fail when npm fails, and leave no lock behind", async () => {
    mkdirSync(join(clone, "busy"));
    expect(await start()).toBe(1);
    expect(existsSync(lock)).toBe(false);
  });

  it("say that they cannot write, and where", async () => {
    writeFileSync(join(clone, ".almanac"), "");
    const message = `${join(clone, ".almanac")} cannot be written: `;
    const install = await launch("launcher.enterProject(); launcher.installOnce();");
    expect(install).toEqual({ code: 1, stderr: expect.stringContaining(message) as string });
    installEsbuild();
    writeFileSync(source, "");
    const compile = await launch("launcher.enterProject(); await launcher.loadCommandLine();");
    expect(compile).toEqual({ code: 1, stderr: expect.stringContaining(message) as string });
    expect(compile.stderr).not.toContain("    at ");
  });
});

describe("the command line", () => {
  const run = () => launch("launcher.enterProject(); await launcher.loadCommandLine();");
  const compilations = () => readdirSync(join(clone, ".almanac", "cli")).filter((name) => name !== "manifest.json");

  it("is compiled again when a source has other content, whatever its length and time are", async () => {
    installEsbuild();
    writeFileSync(source, 'console.error("one");');
    expect(await run()).toEqual({ code: 0, stderr: "one\n" });
    const { atime, mtime } = statSync(source);
    writeFileSync(source, 'console.error("two");');
    utimesSync(source, atime, mtime);
    expect(await run()).toEqual({ code: 0, stderr: "two\n" });
    expect(compilations()).toHaveLength(2);
  });

  it("is not compiled again when its sources are only written again", async () => {
    installEsbuild();
    writeFileSync(source, 'console.error("one");');
    await run();
    writeFileSync(source, 'console.error("one");');
    expect(await run()).toEqual({ code: 0, stderr: "one\n" });
    expect(compilations()).toHaveLength(1);
  });
});
