import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { errorMessage } from "../../../functions/shared/errors";
import { describeFailure, synthesizeStack, synthesizeStacks } from "../../../scripts/terraform/synthesize";

/** An app that writes as cdktf does: `staging`, and a personal environment. */
const APP = `
  const { mkdirSync, writeFileSync } = require("node:fs");
  const output = process.env.CDKTF_OUTDIR;
  const names = ["staging", process.env.ALMANAC_ENVIRONMENT].filter(Boolean);
  for (const name of names) {
    mkdirSync(output + "/stacks/" + name, { recursive: true });
    writeFileSync(output + "/stacks/" + name + "/cdk.tf.json", "{}");
  }
  writeFileSync(output + "/manifest.json", JSON.stringify({ stacks: Object.fromEntries(names.map((name) => [name, {}])) }));
`;

describe("a synthesis after another one", () => {
  const folder = mkdtempSync(join(tmpdir(), "almanac-synthesize-"));
  const [app, silent] = [join(folder, "app.ts"), join(folder, "silent.ts")];
  const outputDirectory = join(folder, "cdktf.out");
  beforeAll(() => {
    writeFileSync(app, APP);
    writeFileSync(silent, "");
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("leaves the stack of a personal environment, which another command may be deploying, and does not take it for the app's", async () => {
    const alice = await synthesizeStack("alice", { app, outputDirectory, personal: true });
    await synthesizeStack("bob", { app, outputDirectory, personal: true });
    expect(existsSync(join(alice, "cdk.tf.json"))).toBe(true);
    expect((await synthesizeStacks({ app, outputDirectory })).names).toEqual(["staging"]);
    await expect(synthesizeStack("alice", { app, outputDirectory })).rejects.toThrow(
      `There is no environment "alice": ${app} has staging.`,
    );
  });

  it("waits for one that another command has begun: both write the same files", async () => {
    const busy = join(folder, "busy.ts");
    const alone = `
      const { rmSync: remove } = require("node:fs");
      process.on("exit", () => remove(__dirname + "/busy", { recursive: true }));
      require("node:fs").mkdirSync(__dirname + "/busy"); // fails if it is there
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    `;
    writeFileSync(busy, `${alone}${APP}`);
    const both = ["alice", "bob"].map((personal) => synthesizeStacks({ app: busy, outputDirectory, personal }));
    expect((await Promise.all(both)).map(({ names }) => names)).toEqual([
      ["alice", "staging"],
      ["bob", "staging"],
    ]);
  });

  it("fails if the app writes no stacks, instead of taking those of before", async () => {
    await synthesizeStack("staging", { app, outputDirectory });
    await expect(synthesizeStack("staging", { app: silent, outputDirectory })).rejects.toThrow(
      `${silent} wrote no stacks: it has to end with app.synth()`,
    );
  });
});

describe("an app that fails", () => {
  const folder = mkdtempSync(join(tmpdir(), "almanac-synthesize-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const failureOf = (text: string): Promise<string> => {
    const app = join(folder, "app.ts");
    writeFileSync(app, text);
    return synthesizeStacks({ app, outputDirectory: join(folder, "cdktf.out") }).then(
      () => "none",
      (error: unknown) => errorMessage(error).replaceAll(relative(".", app), "app.ts").replaceAll(app, "app.ts"),
    );
  };

  it.each<[what: string, text: string, message: string]>([
    ["a syntax error", 'const a = {\n  b: ["c" },\n};', 'app.ts, line 2: Expected "]" but found "}"'],
    ["an error", "\n\nthrow new RangeError('too far');", "app.ts, line 3: too far"],
    ["an error without a stack trace", "throw Object.assign(new TypeError('no a'), { stack: '' });", "app.ts: no a"],
    [
      "a configuration error",
      `import { ConfigurationError } from ${JSON.stringify(resolve("modules/constructs/config"))};
       throw new ConfigurationError(["local.timers.shard: is an unknown field", "local.region: is missing"]);`,
      "app.ts is invalid:\n  local.timers.shard: is an unknown field\n  local.region: is missing",
    ],
  ])("says where and what: %s", async (_, text, message) => {
    expect(await failureOf(text)).toBe(message);
  });
});

const STDERR = `
/project/modules/constructs/config.ts:12
  throw new ConfigError(where, issues);
        ^

ConfigError: staging.heartbeats.targets.0.url: is not an http(s) URL
  second line
    at parseConfig (/project/modules/constructs/config.ts:12:9)
    at new Environment (/project/modules/environment.ts:70:20)
    at <anonymous> (/project/main.ts:50:1)

Node.js v20.20.2
`;

it("a failed synthesis is the app's own message, with the line of the app", () => {
  expect(describeFailure("main.ts", STDERR, 1)).toBe(
    "main.ts, line 50: staging.heartbeats.targets.0.url: is not an http(s) URL\n  second line",
  );
});

it("a failed synthesis without a message says how it ended", () => {
  expect(describeFailure("main.ts", "", 3)).toBe("main.ts: ended with exit code 3");
});

it.each([
  [
    "ENOSPC: no space left on device, copyfile '/cache/send.zip' -> '/work/send.zip'",
    "/work/send.zip: no space left on the disk. Free some, and run the command again.",
  ],
  [
    "ENOSPC: no space left on device, write",
    `.almanac or cdktf.out or ${tmpdir()}: no space left on the disk. Free some, and run the command again.`,
  ],
  ["EROFS: read-only file system, mkdir '/work/stacks'", "/work/stacks: the disk is read-only"],
])("a synthesis that cannot write says where, not which line of the app: %s", (message, expected) => {
  const stderr = `node:fs:600\n  handleErrorFromBinding(ctx);\n  ^\n\nError: ${message}\n    at main.ts:92:5\n`;
  expect(describeFailure("main.ts", stderr, 1)).toBe(expected);
});
