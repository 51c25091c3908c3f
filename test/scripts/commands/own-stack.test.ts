/** Commands that read a synthesized stack, as people run them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** An app with the environment staging, which finds that another synthesis writes in its folder if any file is there. */
const APP = `
const { mkdirSync, readdirSync, writeFileSync } = require("node:fs");
const output = process.env.CDKTF_OUTDIR;
if (readdirSync(output).some((name) => name !== "synthesis.lock")) throw new Error(output + " is another command's");
const stack = output + "/stacks/staging";
mkdirSync(stack, { recursive: true });
const s3 = { bucket: "states", key: "staging", region: "eu-central-1" };
const provider = { aws: [{ region: "eu-central-1", default_tags: [{ tags: { App: "app", Environment: "staging" } }] }] };
const terraform = { backend: { s3 }, required_version: ">= 1.5.7", required_providers: {} };
writeFileSync(stack + "/cdk.tf.json", JSON.stringify({ terraform, provider, module: {} }));
writeFileSync(output + "/manifest.json", JSON.stringify({ stacks: { staging: {} } }));
`;

const MAIN = `
import { loadCommandLine } from ${JSON.stringify(resolve("scripts/launcher/prepare.mjs"))};
const { main } = await loadCommandLine();
await main(process.argv.slice(2));
`;

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "almanac-own-stack-"));
  symlinkSync(resolve("node_modules"), join(project, "node_modules"));
  writeFileSync(join(project, "main.mjs"), MAIN);
  writeFileSync(join(project, "app.ts"), APP);
});
afterAll(() => {
  rmSync(project, { recursive: true });
});

// What another command synthesizes after the lock of this one's synthesis has been released would be read in its place.
it.each([["cost staging --json"], ["dashboard staging --json"], ["modules staging"]])(
  "%s reads a stack that no other command writes, and deletes it",
  (words) => {
    const { PATH = "", HOME = "" } = process.env;
    const env = { PATH, HOME, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };
    const args = ["main.mjs", ...words.split(" "), "--app", "app.ts"];
    const run = () => spawnSync(process.execPath, args, { cwd: project, env, encoding: "utf8" });
    for (const { status, stderr } of [run(), run()]) expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(existsSync(join(project, "cdktf.out"))).toBe(false);
    expect(readdirSync(join(project, ".almanac", "work"))).toEqual([]);
  },
);
