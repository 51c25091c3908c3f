import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  it("fails if the app writes no stacks, instead of taking those of before", async () => {
    await synthesizeStack("staging", { app, outputDirectory });
    await expect(synthesizeStack("staging", { app: silent, outputDirectory })).rejects.toThrow(
      `${silent} wrote no stacks: it has to end with app.synth()`,
    );
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
