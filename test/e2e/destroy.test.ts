import { spawn, type ChildProcess } from "node:child_process";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { isRunning } from "../../scripts/shared/processes";
import { signedFetch, type SignedRequest } from "../support/signed-fetch";
import { awsConfiguration, eventually, home, npmRun, readSystem, startArguments, targetsFile } from "./support/system";

/** For each kind of resource that Almanac creates: the service, and the request that lists them. */
const LISTS: readonly (readonly [service: string, request: SignedRequest & { readonly path?: string }])[] = [
  ["dynamodb", json("DynamoDB_20120810.ListTables", "application/x-amz-json-1.0")],
  ["lambda", { method: "GET", path: "/2015-03-31/functions/" }],
  ["apigateway", { method: "GET", path: "/restapis" }],
  ["sqs", json("AmazonSQS.ListQueues", "application/x-amz-json-1.0")],
  ["events", json("AWSEvents.ListRules", "application/x-amz-json-1.1")],
  ["logs", json("Logs_20140328.DescribeLogGroups", "application/x-amz-json-1.1")],
  ["kms", json("TrentService.ListAliases", "application/x-amz-json-1.1")],
  ["s3", { method: "GET" }],
  ["iam", form("Action=ListRoles&Version=2010-05-08")],
  ["sns", form("Action=ListTopics&Version=2010-03-31")],
  ["monitoring", form("Action=DescribeAlarms&Version=2010-08-01")],
  ["monitoring", form("Action=ListDashboards&Version=2010-08-01")],
];

function json(target: string, type: string): SignedRequest {
  return { method: "POST", headers: { "x-amz-target": target, "content-type": type }, body: "{}" };
}

function form(body: string): SignedRequest {
  return { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body };
}

/** The unparsed lists, XML or JSON: only the names in them matter. */
async function listAll(endpoint: string): Promise<readonly (readonly [service: string, list: string])[]> {
  const lists = LISTS.map(async ([service, { path = "/", ...request }]) => {
    const address = new URL(path, endpoint).href;
    const response = await signedFetch(address, { ...request, service }, awsConfiguration(endpoint));
    if (!response.ok) throw new Error(`${service} returned ${response.status}: ${await response.text()}`);
    return [service, await response.text()] as const;
  });
  return Promise.all(lists);
}

const servicesNaming = (lists: Awaited<ReturnType<typeof listAll>>, name: string) =>
  lists.filter(([, list]) => list.includes(name)).map(([service]) => service);

/** `npm start`, as a person leaves it running. */
let foreground: ChildProcess | undefined;

describe("npm start after kill -9", () => {
  it("continues with everything that was there, and without processes of before", async () => {
    const { emulator, pages, console: console_ } = await readSystem();
    process.kill(-emulator.process.pid, "SIGKILL");
    const { code, output } = await npmRun("start", "--detach", ...startArguments);
    expect({ code, output }).toEqual({ code: 0, output });
    expect(output).toContain("where it ended");
    for (const companion of [pages, console_]) expect(companion && isRunning(companion.process)).toBe(false);
    expect((await npmRun("timers", "get", "sample-report", ...startArguments)).code).toBe(0);
  });

  it("and after a stop plans and applies nothing, and then a change on Enter", async () => {
    expect((await npmRun("stop", "--home", home)).code).toBe(0);
    // In the foreground, with an app that may be changed.
    const app = join(home, "app.ts");
    await writeFile(app, 'import "../../test/e2e/support/app";\n');
    const { ALMANAC_AWS_ENDPOINT: _, ...env } = process.env;
    const words = ["scripts/launcher/almanac.mjs", "start", "--app", app, "--home", home];
    foreground = spawn(process.execPath, words, { env, stdio: "pipe" });
    let output = "";
    for (const stream of [foreground.stdout, foreground.stderr]) stream?.on("data", (text) => (output += String(text)));
    const printed = (pattern: RegExp, times = 1) =>
      eventually(
        () => Promise.resolve(output),
        (text) => [...text.matchAll(pattern)].length >= times,
      );
    await printed(/Watching the sources of \d+ functions/g);
    expect(output).toContain("Deployment: nothing changed");
    expect(output).not.toContain("Terraform apply");

    const targets = z.array(z.unknown()).parse(JSON.parse(await readFile(targetsFile, "utf8")));
    await writeFile(targetsFile, JSON.stringify(targets.slice(0, -1)));
    await appendFile(app, "// changed\n");
    await printed(/app\.ts changed\. Press Enter to apply it\./g);
    // Again: keys that were pressed before the question are no answer.
    await eventually(
      () => {
        foreground?.stdin?.write("\n");
        return Promise.resolve(output);
      },
      (text) => [...text.matchAll(/Synthesize the stack/g)].length === 2,
    );
    await printed(/Watching the sources of \d+ functions/g, 2);
    expect(output).toMatch(/Terraform apply: .*\d changed/);
  });
});

describe("npx almanac destroy local", () => {
  it("leaves nothing behind", async () => {
    const { endpoint } = await readSystem();
    // Proves that the lists contain existing resources.
    expect(servicesNaming(await listAll(endpoint), "almanac-local")).toEqual(LISTS.map(([service]) => service));

    await expect(npmRun("destroy", "local", ...startArguments)).resolves.toMatchObject({
      output: expect.stringMatching(/local: \d+ resources destroyed[^]*Nothing named almanac-local is left/) as string,
      code: 0,
    });
    expect(servicesNaming(await listAll(endpoint), "almanac-local")).toEqual([]);
  });
});

describe("npm run stop", () => {
  it("stops npm start's processes, and is idempotent", async () => {
    await expect(npmRun("stop", "--home", home)).resolves.toMatchObject({ code: 0 });
    await eventually(
      () => Promise.resolve(foreground?.exitCode),
      (code) => code === 0,
    );
    await expect(npmRun("status", "--home", home)).resolves.toMatchObject({ code: 3 });
    await expect(npmRun("stop", "--home", home)).resolves.toMatchObject({ code: 0 });
  });
});
