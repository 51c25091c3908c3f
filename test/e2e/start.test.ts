import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { LAMBDA_RUNTIME } from "../../modules/constructs/versions";
import { terraform, terraformEnvironment } from "../../scripts/terraform/terraform";
import { runCommand } from "../../scripts/shared/run-command";
import { homeAt } from "../../scripts/shared/home";
import { readRunning } from "../../scripts/emulator/run-record";
import {
  awsConfiguration,
  eventually,
  home,
  npmRun,
  stackDirectory,
  startArguments,
  withDeployment,
} from "./support/system";

describe("npm start", () => {
  it("prints its steps, their durations, and the pages to open", () => {
    const output = process.env["ALMANAC_E2E_START"] ?? "";
    for (const step of [
      "Emulator",
      "Synthesize",
      "State bucket",
      "Terraform init",
      "Terraform apply",
      "Local pages",
      "Sample data",
    ]) {
      expect(output).toMatch(new RegExp(`${step}.* \\(\\d+\\.\\d s\\)`));
    }
    expect(output).toMatch(/ready after \d+\.\d s/);
    const ending = output.slice(output.indexOf("ready after")).trim().split("\n");
    expect(ending.length).toBeLessThanOrEqual(15);
    expect(ending.join("\n")).not.toContain("arn:");
    expect(ending.filter((line) => line.startsWith("  npx almanac "))).toHaveLength(3);
  });

  it("prints one line a step without a terminal", () => {
    const [steps = ""] = (process.env["ALMANAC_E2E_START"] ?? "").split("\nready after");
    expect(steps.trim().split("\n").length).toBeLessThan(15);
  });

  it("serves the status page and the Slack inbox on loopback", async () => {
    const output = process.env["ALMANAC_E2E_START"] ?? "";
    const [, page = ""] = /Status page +(http:\/\/127\.0\.0\.1:\d+\/)\n/.exec(output) ?? [];
    const published = await eventually(
      () => fetch(page),
      ({ status }) => status === 200,
    );
    expect(published.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await published.text()).toContain("<html");
    expect((await fetch(`${page}status.json`)).headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect((await fetch(`${page}inbox`)).status).toBe(200);
  });

  it("puts sample timers, orders and tasks", async () => {
    const [timers, tasks] = await Promise.all([
      npmRun("timers", "ls", ...startArguments),
      npmRun("workflows", "ls", "--status", "ABORTED", ...startArguments),
    ]);
    expect(timers.output).toMatch(/^sample-report +/m);
    expect(tasks.output).toContain("sample-cancelled");
    expect(process.env["ALMANAC_E2E_START"]).toMatch(/Sample data: .*3 timers, 3 orders, 3 tasks/);
  });

  it("is found by npm run status", async () => {
    const { code, output } = await npmRun("status", "--home", home);
    expect(output).toContain("heartbeats");
    expect(code).toBe(0);
    expect(output).toContain("Status page");
    const { output: json } = await npmRun("status", "--home", home, "--json");
    expect(json).toContain("almanac-local-heartbeats-check");
  });

  it("finds itself running, and deploys nothing that is there already", async () => {
    const { code, output } = await withDeployment(() => npmRun("start", ...startArguments));
    expect(output).toContain("runs already");
    expect(output).toMatch(/Terraform apply: (nothing changed|0 added)/);
    expect([code, output]).toEqual([0, expect.any(String)]);
  });

  it("refuses to begin with an empty emulator while one runs", async () => {
    const { code, output } = await npmRun("start", "--fresh", ...startArguments);
    expect(output).toContain("Almanac runs already, and --fresh begins with an empty emulator. Stop it first");
    expect(code).toBe(1);
  });

  const onLinux = process.platform === "linux" ? it : it.skip; // /proc
  onLinux("runs functions on the Node that Lambda runs", async () => {
    const emulator = (await readRunning(homeAt(home)))?.emulator.process.pid ?? 0;
    const programs = familyOf(emulator).map((pid) => unlessEnded(() => readlinkSync(`/proc/${pid}/exe`), ""));
    const versions = [...new Set(programs)]
      .filter((program) => program.endsWith("/node"))
      .map((program) => execFileSync(program, ["--version"], { encoding: "utf8" }));
    const [, major] = /^nodejs(\d+)\.x$/.exec(LAMBDA_RUNTIME) ?? [];
    expect(versions.map((version) => version.split(".")[0])).toEqual([`v${major}`]);
  });

  onLinux("listens on loopback only, its Lambdas too", async () => {
    const emulator = (await readRunning(homeAt(home)))?.emulator.process.pid ?? 0;
    const listeners = listenersOf(familyOf(emulator));
    expect(listeners.length).toBeGreaterThan(0);
    for (const address of listeners) expect(address).toMatch(/^0100007F:|^00000000000000000000000001000000:/);
  });
});

/** Reads /proc, where a process or socket may disappear between two reads. */
function unlessEnded<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** A process and its descendants. */
function familyOf(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) =>
      new RegExp(`\\) \\S ${pid} `).test(unlessEnded(() => readFileSync(`/proc/${name}/stat`, "utf8"), "")),
    );
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

/** Listening addresses of processes, in hexadecimal. */
function listenersOf(pids: readonly number[]): string[] {
  const sockets = new Set(
    pids.flatMap((pid) =>
      unlessEnded(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) =>
        unlessEnded(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""),
      ),
    ),
  );
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === "0A" && sockets.has(`socket:[${columns[9] ?? ""}]`))
    .map((columns) => columns[1] ?? "");
}

describe("npx almanac bootstrap local", () => {
  it("is idempotent: the state bucket is configured", async () => {
    const { code, output } = await npmRun("bootstrap", "local", ...startArguments);
    expect(output).toContain("almanac-local-terraform-state: there already");
    expect(code).toBe(0);

    const running = await readRunning(homeAt(home));
    const s3 = new S3Client(awsConfiguration(running?.endpoint ?? ""));
    const Bucket = "almanac-local-terraform-state";
    await expect(s3.send(new GetBucketVersioningCommand({ Bucket }))).resolves.toMatchObject({ Status: "Enabled" });
    await expect(s3.send(new GetBucketEncryptionCommand({ Bucket }))).resolves.toMatchObject({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    });
    await expect(s3.send(new GetPublicAccessBlockCommand({ Bucket }))).resolves.toMatchObject({
      PublicAccessBlockConfiguration: { BlockPublicPolicy: true, RestrictPublicBuckets: true },
    });
    const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    expect(Policy).toContain('"aws:SecureTransport":"false"');
  });
});

describe("a plan after the deployment", () => {
  it("is empty", async () => {
    const plan = ["plan", "-no-color", "-detailed-exitcode", "-lock=false"];
    await expect(withDeployment(() => terraform(plan, { cwd: stackDirectory }))).resolves.toContain("No changes.");
  });

  /** Runs cdktf in the folder that npm start has initialised: without its lock file, cdktf would need the registry. */
  async function cdktf(...args: readonly string[]): Promise<string> {
    const running = await readRunning(homeAt(home));
    const { code, stdout, stderr } = await runCommand(
      "node_modules/.bin/cdktf",
      [
        ...args,
        "--app",
        `${process.execPath} --import tsx test/e2e/support/app.ts`,
        "--output",
        homeAt(home).synthesized,
      ],
      {
        env: {
          ...(await terraformEnvironment()),
          ALMANAC_AWS_ENDPOINT: running?.endpoint ?? "",
          CI: "true", // no spinner
        },
      },
    );
    if (code !== 0) throw new Error(`cdktf ended with ${code}:\n${stdout}${stderr}`);
    return stdout + stderr;
  }

  it("is empty in cdktf, too, although an earlier emulator had another port", async () => {
    const recorded = join(stackDirectory, ".terraform", "terraform.tfstate");
    const output = await withDeployment(async () => {
      const text = await readFile(recorded, "utf8");
      expect(text).toContain("http://127.0.0.1:");
      // Its hash, too: Terraform compares that first.
      await writeFile(recorded, text.replace(/("http:\/\/127\.0\.0\.1:)\d+/, "$11").replace(/("hash": )\d+/, "$11"));
      return cdktf("diff", "local");
    });
    expect(output).toContain("No changes.");
  });

  it("leaves cdktf deploy nothing to do", async () => {
    const output = await withDeployment(() => cdktf("deploy", "local", "--auto-approve"));
    expect(output).toContain("0 added, 0 changed, 0 destroyed");
  });
});
