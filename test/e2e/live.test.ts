/** Save to live: the watcher of `npm start`, and the lines of functions, on an emulator with one function. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { zipSync } from "fflate";
import { bundleHandlers } from "../../modules/constructs/bundling/bundle";
import { LAMBDA_RUNTIME } from "../../modules/constructs/versions";
import { followFunctions, type FunctionLine } from "../../scripts/emulator/function-logs";
import { codeSha256Of, restoreDeployedCode } from "../../scripts/local/live/deployed-functions";
import type { LiveEvent } from "../../scripts/local/live/events";
import { watchSources } from "../../scripts/local/live/run";
import { homeAt, type Home } from "../../scripts/shared/home";
import { bareEmulator, type BareEmulator } from "./support/bare-emulator";
import { awsConfiguration, eventually } from "./support/system";

const FunctionName = "live-probe";
const Bucket = "live-state";
const CACHE = ".almanac/bundles";

let emulator: BareEmulator;
let lambda: LambdaClient;
let home: Home;
let stack: string;
let handler: string;
const following = new AbortController();
const [events, lines]: [LiveEvent[], FunctionLine[]] = [[], []];

/** Replaced, as editors save. */
async function save(marker: string, more = ""): Promise<void> {
  const source = `console.log("${marker}");\nexport const handler = (): number => 1;\n${more}`;
  await writeFile(`${handler}~`, source);
  await rename(`${handler}~`, handler);
}

/** The function, and what Terraform would have left of its deployment: its state and the folder of the stack. */
beforeAll(async () => {
  emulator = await bareEmulator();
  const { endpoint } = emulator;
  const aws = awsConfiguration(endpoint);
  home = homeAt(await mkdtemp(join(tmpdir(), "almanac-live-")));
  ({ stack } = home);
  await mkdir(join(stack, "assets"), { recursive: true });
  handler = join(stack, "handler.ts");
  await save("deployed");
  const [bundle] = await bundleHandlers([relative(".", handler)]);
  if (bundle === undefined) throw new Error("not bundled");
  const ZipFile = await readFile(bundle.zipFile);
  await writeFile(join(stack, "assets", "handler.zip"), ZipFile);
  const backend = { bucket: Bucket, key: "state.json", region: "eu-central-1", endpoints: { s3: endpoint } };
  await writeFile(join(stack, "cdk.tf.json"), JSON.stringify({ terraform: { backend: { s3: backend } } }));
  const attributes = { key: `${FunctionName}.zip`, source: "assets/handler.zip", source_hash: codeSha256Of(ZipFile) };
  const code = { mode: "managed", type: "aws_s3_object", name: "code", instances: [{ attributes }] };
  const s3 = new S3Client(aws);
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: backend.key, Body: JSON.stringify({ resources: [code] }) }));
  const trust = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  const { Role } = await new IAMClient(aws).send(
    new CreateRoleCommand({ RoleName: "live", AssumeRolePolicyDocument: trust }),
  );
  lambda = new LambdaClient(aws);
  await lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName, Role: Role?.Arn ?? "", Runtime: LAMBDA_RUNTIME, Handler: "index.handler" },
      Code: { ZipFile },
    }),
  );
  await eventually(
    () => lambda.send(new GetFunctionCommand({ FunctionName })),
    ({ Configuration }) => Configuration?.State === "Active",
  );
  void (async () => {
    for await (const line of followFunctions(endpoint, following.signal)) lines.push(line);
  })();
});
afterAll(async () => {
  following.abort();
  await emulator.close();
  for (const name of await readdir(CACHE)) if (name.includes("almanac-live-")) await rm(join(CACHE, name));
  await rm(home.folder, { recursive: true });
});

const seen = (kind: LiveEvent["kind"], count: number) =>
  eventually(
    () => Promise.resolve(events.filter((event) => event.kind === kind)),
    (found) => found.length >= count,
  );

/** Until the last check of types has found these errors: a save that is noticed twice is checked twice. */
const checked = (errors: readonly unknown[]) =>
  eventually(
    () => Promise.resolve(events.findLast(({ kind }) => kind === "types")),
    (last) => last?.kind === "types" && matches(last.errors, errors),
  );

function matches(value: unknown, expected: unknown): boolean {
  try {
    expect(value).toEqual(expected);
    return true;
  } catch {
    return false;
  }
}

/** Until the function has logged a line, as its code is loaded. */
function logged(marker: string): Promise<unknown> {
  return eventually(
    async () => {
      await lambda.send(new InvokeCommand({ FunctionName, Payload: "{}" }));
      return lines;
    },
    () => lines.some(({ message, functionName }) => message.includes(marker) && functionName === FunctionName),
  );
}

it("lets an invocation end that runs while the function gets new code", async () => {
  const [began, release] = [join(stack, "began"), join(stack, "release")];
  const source = `const fs = require("node:fs");
    exports.handler = async () => {
      fs.writeFileSync(${JSON.stringify(began)}, "");
      while (!fs.existsSync(${JSON.stringify(release)})) await new Promise((resolve) => setTimeout(resolve, 20));
      return "with the code of before";
    };`;
  const codeOf = (text: string) => ({ FunctionName, ZipFile: zipSync({ "index.js": Buffer.from(text) }) });
  const deployed = await readFile(join(stack, "assets", "handler.zip"));
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 600 }));
  await lambda.send(new UpdateFunctionCodeCommand(codeOf(source)));
  const running = lambda.send(new InvokeCommand({ FunctionName }));
  await eventually(
    () => Promise.resolve(existsSync(began)),
    (has) => has,
  );
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: deployed }));
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
  expect(Buffer.from(Payload ?? []).toString()).toBe("1");
  await writeFile(release, "");
  const { Payload: answer, FunctionError } = await running;
  expect([FunctionError, Buffer.from(answer ?? []).toString()]).toEqual([undefined, `"with the code of before"`]);
});

it("loads no SDK of a folder above its own", async () => {
  const folder = join(emulator.home, "node_modules", "aws-sdk");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "index.js"), `console.log("another SDK");`);
  await logged("deployed");
  expect(lines.map(({ message }) => message)).not.toContainEqual(expect.stringContaining("another SDK"));
});

it("makes each save live, with its type errors, and the next start has what is deployed", async () => {
  await logged("deployed");
  const stop = watchSources({ home, app: "main.ts", since: Date.now(), onEvent: (event) => events.push(event) });
  try {
    expect(await seen("watching", 1)).toEqual([{ kind: "watching", functions: 1 }]);
    await save("saved once", "export const wrong: string = 1;\n");
    expect(await seen("live", 1)).toMatchObject([{ functions: [FunctionName] }]);
    await logged("saved once");
    await checked([expect.stringMatching(/handler\.ts:3:\d+ Type 'number' is not assignable to type 'string'/)]);
    // In two steps, as some editors do.
    await writeFile(handler, "");
    await pause(40);
    await save("saved twice");
    await logged("saved twice");
    await checked([]);
    await save("broken", "}");
    // The empty file may have been built, which exports no handler.
    await eventually(
      () => Promise.resolve(events.filter(({ kind }) => kind === "failed").at(-1)),
      (failed) => JSON.stringify(failed ?? "").includes("handler.ts:3:0"),
    );
    expect(events.filter(({ kind }) => ["stack", "ended"].includes(kind))).toEqual([]);
  } finally {
    stop();
  }
  await expect(restoreDeployedCode(stack)).resolves.toEqual([FunctionName]);
  await expect(restoreDeployedCode(stack)).resolves.toEqual([]);
  lines.length = 0;
  await logged("deployed");
});

it("counts what changed before it watched", async () => {
  events.length = 0;
  // As a start leaves it: what is bundled is what is deployed.
  await save("deployed");
  await bundleHandlers([relative(".", handler)]);
  await save("meanwhile");
  const stop = watchSources({
    home,
    app: "main.ts",
    since: Date.now() - 5_000,
    onEvent: (event) => events.push(event),
  });
  await seen("live", 1).finally(stop);
  await logged("meanwhile");
});
