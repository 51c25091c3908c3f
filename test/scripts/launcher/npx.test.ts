import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A registry that has nothing. */
let registry: Server;
let requests: (string | undefined)[];
/** npm's cache, and a clone without dependencies. */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "almanac-npx-"));
  registry = createServer((request, response) => {
    requests.push(request.url);
    response.writeHead(404).end("{}");
  }).listen(0, "127.0.0.1");
  await once(registry, "listening");
});
beforeEach(() => {
  requests = [];
});
afterAll(() => {
  registry.close();
  rmSync(folder, { recursive: true });
});

/** @returns the exit code and what npx and the command print */
async function npx(cwd: string, ...args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn("npx", args, {
    cwd,
    env: {
      ...process.env,
      npm_config_cache: join(folder, "cache"),
      npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`,
      npm_config_update_notifier: "false",
      npm_config_loglevel: "notice", // also under npm run --silent
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

describe("npx almanac", () => {
  it("runs what npm ci has linked: npm installs nothing in its cache", async () => {
    expect(await npx("docs", "almanac", "--version")).toEqual({ code: 0, output: "0.1.0\n" });
    expect(existsSync(join(folder, "cache", "_npx"))).toBe(false);
  });

  it("installs no package of that name where npm ci has not run", async () => {
    const clone = join(folder, "clone");
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) cpSync(name, join(clone, name));
    const { code, output } = await npx(clone, "--yes", "almanac", "--version");
    expect(output).toContain("could not determine executable");
    expect(code).toBe(1);
    expect(requests).toEqual([]);
  });
});
