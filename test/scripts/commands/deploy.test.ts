/** `almanac deploy` and `destroy` as people run them, with a program in the place of Terraform and a stub of S3. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startStubAws, type StubAws } from "../../support/stub-aws";
import { samplePlan } from "../review/sample-plan";

/** Writes its verbs, and the code that it would upload, into a log. An apply of "slow" code ends when it is interrupted. */
const TERRAFORM = `#!/usr/bin/env node
const { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const [verb, ...args] = process.argv.slice(2);
const log = (text) => appendFileSync(process.env.TERRAFORM_LOG, text + "\\n");
if (verb === "version") console.log('{"terraform_version": "1.11.4"}');
if (verb === "plan" && existsSync("../../../../../slow-plan")) log("planning") || setInterval(() => undefined, 1000);
else if (verb === "plan") writeFileSync(args.find((each) => each.startsWith("-out=")).slice(5), "secret");
if (verb === "show") console.log(process.env.TERRAFORM_PLAN);
if (verb === "output") console.log("{}");
if (verb === "init") mkdirSync(".terraform/providers", { recursive: true });
if (verb === "init") log("plugins " + existsSync(".terraform/providers/installed"));
if (verb === "init") writeFileSync(".terraform/providers/installed", "");
if (verb === "apply" || verb === "destroy") {
  const code = readFileSync("code.zip", "utf8");
  log(verb + " " + code);
  if (code !== "slow") process.exit();
  process.on("SIGINT", () => setTimeout(() => {
    if (existsSync("../../../../../deadly")) process.kill(process.pid, "SIGKILL");
    if (existsSync("../../../../../unreachable")) writeFileSync("errored.tfstate", "{}");
    log("ended in order");
    process.exit(1);
  }, 100));
  setInterval(() => undefined, 1000);
}
`;

/** A personal environment of any name, whose only file of code is that of code.txt. */
const APP = (endpoint: string) => `
const { mkdirSync, readFileSync, writeFileSync } = require("node:fs");
const [output, name] = [process.env.CDKTF_OUTDIR, process.env.ALMANAC_ENVIRONMENT ?? "staging"];
const stack = output + "/stacks/" + name;
mkdirSync(stack, { recursive: true });
const s3 = { bucket: "states", key: name, region: "eu-central-1", endpoints: { s3: ${JSON.stringify(endpoint)} } };
const provider = { aws: [{ default_tags: [{ tags: { App: "app", Environment: name, Personal: name } }] }] };
writeFileSync(stack + "/cdk.tf.json", JSON.stringify({ terraform: { backend: { s3 } }, provider }));
writeFileSync(stack + "/code.zip", readFileSync("code.txt"));
writeFileSync(output + "/manifest.json", JSON.stringify({ stacks: { [name]: {} } }));
`;

const MAIN = `
import { loadCommandLine } from ${JSON.stringify(resolve("scripts/launcher/prepare.mjs"))};
const { main } = await loadCommandLine();
await main(process.argv.slice(2));
`;

const PLAN = samplePlan([{ address: "aws_sqs_queue.letters", actions: ["create"], after: { name: "letters" } }]);

// A pseudo-terminal needs a program of the platform; Almanac needs Python anyway.
const PTY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasPty = process.platform !== "win32" && spawnSync("python3", ["-c", "import pty"]).status === 0;
const atTerminal = hasPty ? it : it.skip;

let aws: StubAws;
let project: string;
beforeEach(async () => {
  aws = await startStubAws(({ operation }) => {
    if (operation.startsWith("GET /states/alice")) return 404;
    // What these credentials may not read is not theirs to set.
    return operation.startsWith("HEAD /states") ? {} : 403;
  });
  project = mkdtempSync(join(tmpdir(), "almanac-deploy-"));
  symlinkSync(resolve("node_modules"), join(project, "node_modules"));
  mkdirSync(join(project, "bin"));
  write("bin/terraform", TERRAFORM);
  chmodSync(join(project, "bin", "terraform"), 0o755);
  write("main.mjs", MAIN);
  write("app.ts", APP(aws.endpoint));
  write("code.txt", "reviewed");
  write("log", "");
});
afterEach(async () => {
  await aws.close();
  rmSync(project, { recursive: true });
});

const write = (file: string, text: string) => {
  writeFileSync(join(project, file), text);
};
const logged = () => readFileSync(join(project, "log"), "utf8").trim().split("\n");
/** What commands have left in their folders. */
const left = () => {
  const work = join(project, ".almanac", "work");
  return existsSync(work) ? readdirSync(work) : [];
};

const processOf = (folder: string) => Number(folder.split(".").at(-2));

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function run(words: readonly string[], terminal = false): Running {
  const { PATH = "", HOME = "" } = process.env;
  const command = [process.execPath, "main.mjs", ...words, "--app", "app.ts"];
  const [file = "", ...args] = terminal ? ["python3", "-c", PTY, ...command] : command;
  const env = {
    ...{ PATH: `${join(project, "bin")}:${PATH}`, HOME, ALMANAC_AWS_ENDPOINT: aws.endpoint },
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    ...{ TERRAFORM_LOG: join(project, "log"), TERRAFORM_PLAN: PLAN },
  };
  const child = spawn(file, args, { cwd: project, env, stdio: "pipe" });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text, ended: new Promise((settle) => child.on("close", settle)) };
}

async function until(isSo: () => boolean, { child, output }: Running): Promise<void> {
  while (!isSo()) {
    if (child.exitCode !== null) throw new Error(output());
    await sleep(10);
  }
}

const isAsked = (running: Running) => until(() => running.output().includes("Type yes: "), running);

describe("a plan that waits for its confirmation", () => {
  atTerminal("is applied with the code that it was made of, whatever other commands synthesize meanwhile", async () => {
    const deploy = run(["deploy", "alice"], true);
    await isAsked(deploy);
    write("code.txt", "saved since");
    for (const words of [
      ["review", "alice"],
      ["deploy", "alice", "--yes"],
    ]) {
      const other = run(words);
      expect([await other.ended, other.output()]).toEqual([0, expect.any(String)]);
    }
    deploy.child.stdin?.write("yes\n");
    expect([await deploy.ended, deploy.output()]).toEqual([0, expect.stringContaining("alice is deployed")]);
    // Plugins are installed once for all of them.
    expect(logged()).toEqual(["plugins false", "plugins true", "plugins true", "apply saved since", "apply reviewed"]);
    expect(left()).toEqual([]);
  });

  atTerminal("is deleted when a signal ends the command", async () => {
    const deploy = run(["deploy", "alice"], true);
    await isAsked(deploy);
    const [folder = ""] = left();
    expect(readdirSync(join(project, ".almanac", "work", folder))).toContain("tfplan");
    process.kill(processOf(folder), "SIGHUP");
    expect(await deploy.ended).toBe(2);
    expect(left()).toEqual([]);
    expect(logged()).toEqual(["plugins false"]);
  });

  atTerminal("is deleted by the next command when the command was killed", async () => {
    const deploy = run(["deploy", "alice"], true);
    await isAsked(deploy);
    process.kill(processOf(left()[0] ?? ""), "SIGKILL");
    await deploy.ended;
    expect(left()).toHaveLength(1);
    expect(await run(["review", "alice"]).ended).toBe(0);
    expect(left()).toEqual([]);
  });
});

describe("while Terraform changes resources", () => {
  const begin = async (verb: string, ...words: readonly string[]) => {
    write("code.txt", "slow");
    const running = run(words);
    await until(() => logged().includes(`${verb} slow`), running);
    return running;
  };

  it.each([
    ["deploy", "apply", "SIGINT"],
    ["destroy", "destroy", "SIGTERM"],
  ] as const)("%s waits until it has saved its state", async (command, verb, signal) => {
    const running = await begin(verb, command, "alice", "--yes");
    running.child.kill(signal);
    expect([await running.ended, running.output()]).toEqual([1, expect.stringContaining("Its state was saved.")]);
    expect(logged().at(-1)).toBe("ended in order");
    expect(left()).toEqual([]);
  });

  it("no state is called saved when Terraform was killed", async () => {
    write("deadly", "");
    const running = await begin("apply", "deploy", "alice", "--yes");
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(1);
    expect(running.output()).toContain("Terraform was killed: its state may lack what it did last.");
    expect(running.output()).not.toContain("was saved");
  });

  it("a plan that is interrupted says nothing of the state", async () => {
    write("slow-plan", "");
    const running = run(["deploy", "alice", "--yes"]);
    await until(() => logged().includes("planning"), running);
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(1);
    expect(running.output()).toContain("terraform plan was interrupted");
    expect(running.output()).not.toContain("was saved");
  });

  it("a state that could not be saved is kept, and the command says how to save it", async () => {
    write("unreachable", "");
    const running = await begin("apply", "deploy", "alice", "--yes");
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(1);
    const [, folder = ""] = /cd (\S+) && terraform state push errored\.tfstate/.exec(running.output()) ?? [];
    // Another command removes what killed ones have left.
    expect(await run(["review", "alice"]).ended).toBe(0);
    expect(readFileSync(join(folder, "errored.tfstate"), "utf8")).toBe("{}");
    expect(left()).toHaveLength(1);
    expect(readdirSync(join(project, ".almanac", "work", left()[0] ?? ""))).not.toContain("tfplan");
  });
});
