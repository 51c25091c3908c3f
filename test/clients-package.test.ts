import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { buildClients } from "../scripts/dev/clients-package";
import { commandOutput } from "../scripts/shared/run-command";

/** A dependent program, inside this project so that the package's dependencies resolve. */
const program = resolve(".almanac/clients-test");

const SOURCE = `
import { TimersClient, ConflictError, TimersError, type TimerResponse } from "almanac/timers";

const timers = new TimersClient({
  url: "https://abc123.execute-api.eu-central-1.amazonaws.com/live",
  credentials: { accessKeyId: "id", secretAccessKey: "secret" },
  maxAttempts: 1,
  fetch: () => Promise.resolve(new Response('"tea"', { status: 404 })),
});
const none: TimerResponse | undefined = await timers.periodic.get("tea");
console.log(none === undefined, new ConflictError("no", 409) instanceof TimersError);

// @ts-expect-error -- a one-shot needs a time
void (() => timers.oneshot.put("egg", {}));
// @ts-expect-error -- a one-shot has no cron
void (() => timers.oneshot.put("egg", { cron: "0 9 * * ? *" }));
`;

describe("the package that other programs import", () => {
  beforeAll(async () => {
    await rm(program, { recursive: true, force: true });
    await mkdir(join(program, "node_modules"), { recursive: true });
    await buildClients(join(program, "node_modules", "almanac"));
    await writeFile(join(program, "package.json"), '{"type":"module"}');
    await writeFile(join(program, "program.ts"), SOURCE);
  }, 120_000);
  afterAll(() => rm(program, { recursive: true, force: true }));

  const node = (...args: string[]) => commandOutput(process.execPath, args, { cwd: program });

  it("compiles and runs as in its documentation", async () => {
    const page = await readFile("docs/timers-client.md", "utf8");
    const snippets = [...page.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code = ""]) => code);
    expect(snippets.length).toBeGreaterThan(3);
    const files = snippets.map((_, index) => `snippet${index}.ts`);
    await Promise.all(files.map((file, index) => writeFile(join(program, file), snippets[index] ?? "")));

    const tsc = resolve("node_modules/typescript/bin/tsc");
    const settings = ["--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--module", "nodenext"];
    await node(
      tsc,
      ...settings,
      "--types",
      "node",
      "--typeRoots",
      resolve("node_modules/@types"),
      "program.ts",
      ...files,
    );
    expect((await node("program.js")).trim()).toBe("true true");
  }, 120_000);

  it("can be required", async () => {
    expect((await node("-p", 'typeof require("almanac/timers").TimersClient')).trim()).toBe("function");
  });

  it("imports only its declared dependencies", async () => {
    const manifest = await node(
      "-p",
      'Object.keys(require("./node_modules/almanac/package.json").dependencies).join()',
    );
    expect(manifest.trim()).toBe("@aws-sdk/credential-provider-node,@smithy/signature-v4,zod");
    const imports = await node("-e", IMPORTS);
    expect(imports.trim()).toBe("@aws-sdk/credential-provider-node,@smithy/signature-v4,node:crypto,zod");
  });
});

/** Prints all packages that the compiled files require. */
const IMPORTS = `
const { readdirSync, readFileSync } = require("node:fs");
const root = "node_modules/almanac";
const files = readdirSync(root, { recursive: true }).filter((file) => file.endsWith(".js"));
const all = files.flatMap((file) => [...readFileSync(root + "/" + file, "utf8").matchAll(/require\\("([^."][^"]*)"\\)/g)].map(([, name]) => name));
console.log([...new Set(all)].sort().join());
`;
