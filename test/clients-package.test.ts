import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { buildClients } from "../scripts/dev/clients-package";
import { commandOutput } from "../scripts/shared/run-command";

const DEPENDENCIES = ["@aws-sdk/credential-provider-node", "@smithy/signature-v4", "zod"];

const SOURCE = `
import { TimersClient, ConflictError, TimersError, type TimerResponse } from "almanac/timers";

const timers = new TimersClient({
  url: "https://abc123.execute-api.eu-central-1.amazonaws.com/live",
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
  maxAttempts: 1,
  fetch: () => Promise.resolve(new Response('"tea"', { status: 404 })),
});
void timers.periodic.get("tea").then((none: TimerResponse | undefined) => {
  console.log(none === undefined, new ConflictError("no", 409) instanceof TimersError);
});

// @ts-expect-error -- a one-shot needs a time
void (() => timers.oneshot.put("egg", {}));
// @ts-expect-error -- a one-shot has no cron
void (() => timers.oneshot.put("egg", { cron: "0 9 * * ? *" }));
// @ts-expect-error -- one schedule only
void (() => timers.periodic.put("tea", { cron: "0 9 * * ? *", every: "1 hour" }));
// @ts-expect-error -- a time zone is for cron
void (() => timers.periodic.put("tea", { every: "1 hour", timeZone: "Europe/Berlin" }));
`;

describe("the package that other programs install", () => {
  /** An empty folder of another project, with what npm unpacks into it. */
  let program: string;
  let files: string[];
  beforeAll(async () => {
    program = await mkdtemp(join(tmpdir(), "almanac-client-"));
    const modules = join(program, "node_modules");
    const built = await buildClients(join(program, "built"));
    const packed = await commandOutput("npm", ["pack", built, "--json", "--pack-destination", program]);
    const [tarball] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
    files = tarball.files.map(({ path }) => path);
    await mkdir(join(modules, "almanac"), { recursive: true });
    const unpack = ["-xzf", join(program, tarball.filename), "-C", join(modules, "almanac"), "--strip-components=1"];
    await commandOutput("tar", unpack);
    await rm(built, { recursive: true });
    for (const dependency of [...DEPENDENCIES, "@types/node"]) {
      await mkdir(dirname(join(modules, dependency)), { recursive: true });
      await symlink(resolve("node_modules", dependency), join(modules, dependency));
    }
  });
  afterAll(() => rm(program, { recursive: true, force: true }));

  const node = (...args: string[]) => commandOutput(process.execPath, args, { cwd: program });
  const compile = (...args: string[]) =>
    node(resolve("node_modules/typescript/bin/tsc"), "--strict", "--target", "es2022", "--types", "node", ...args);

  it("has what it needs, and no sources", () => {
    const own = files.filter((file) => !file.startsWith("types/"));
    expect(own.sort()).toEqual([
      "LICENSE",
      "README.md",
      "package.json",
      "timers.d.mts",
      "timers.d.ts",
      "timers.js",
      "timers.mjs",
    ]);
    expect(files.filter((file) => file.startsWith("types/") && !file.endsWith(".d.ts"))).toEqual([]);
  });

  it("compiles as an ES module, as a CommonJS module and as in its README, and runs", async () => {
    const page = await readFile(join(program, "node_modules/almanac/README.md"), "utf8");
    const snippets = [...page.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code = ""]) => code);
    expect(snippets.length).toBeGreaterThan(3);
    const sources = {
      "program.mts": SOURCE,
      "program.cts": SOURCE,
      ...Object.fromEntries(snippets.map((code, index) => [`snippet${index}.mts`, code])),
    };
    await Promise.all(Object.entries(sources).map(([name, code]) => writeFile(join(program, name), code)));
    await compile("--exactOptionalPropertyTypes", "--module", "nodenext", ...Object.keys(sources));
    for (const compiled of ["program.mjs", "program.cjs"]) expect((await node(compiled)).trim()).toBe("true true");
  });

  it("compiles and runs as CommonJS with the resolution of Node 10", async () => {
    await writeFile(join(program, "program.ts"), SOURCE);
    await compile("--module", "commonjs", "--moduleResolution", "node10", "program.ts");
    expect((await node("program.js")).trim()).toBe("true true");
  });

  it("compiles as a bundler's input", async () => {
    await writeFile(join(program, "bundled.ts"), SOURCE);
    await compile("--module", "esnext", "--moduleResolution", "bundler", "--noEmit", "bundled.ts");
  });

  it("imports only its declared dependencies", async () => {
    const manifest = await node(
      "-p",
      'Object.keys(require("./node_modules/almanac/package.json").dependencies).join()',
    );
    expect(manifest.trim().split(",")).toEqual(DEPENDENCIES);
    const code = await readFile(join(program, "node_modules/almanac/timers.mjs"), "utf8");
    const imports = [...code.matchAll(/from "([^"]+)"/g)].map(([, name]) => name);
    expect([...new Set(imports)].sort()).toEqual([...DEPENDENCIES, "node:crypto"].sort());
  });
});
