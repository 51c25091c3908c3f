/**
 * `node scripts/launcher/dev.mjs apply-to-moto`: applies a stack with one of everything to a second emulator, moto's server, and plans again.
 * The emulator of `npm start` and ours agree too easily: moto is another reading of the same AWS.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { EVERYTHING } from "../../../test/support/everything";
import { freePort } from "../../../test/support/free-port";
import { writeStack } from "../../../test/support/synthesized";
import { pythonEnvironment } from "../../emulator/python";
import { installedPython, installPython } from "../../emulator/virtual-environment";
import { colours } from "../../shared/terminal/colours";
import { EXIT } from "../../shared/terminal/command-line";
import { describeError } from "../../shared/terminal/errors";
import {
  emulatorEnvironment,
  terraform,
  terraformApply,
  terraformInit,
  terraformPlan,
  terraformShowPlan,
  type TerraformOptions,
} from "../../terraform/terraform";
import { EXPLAINED, unexplained, type Difference } from "./differences";
import { motoProxy } from "./proxy";

const REQUIREMENTS = join(__dirname, "requirements.txt");
const VIRTUAL_ENVIRONMENT = ".almanac/moto";
const ENVIRONMENT = "staging";
const READY_WITHIN_MS = 120_000;

const SERVICES = [
  ...["apigateway", "cloudfront", "cloudwatch", "cloudwatchlogs", "dynamodb", "events", "glue", "iam", "kms", "lambda"],
  ...["s3", "sfn", "sns", "sqs", "sts"],
];

const log = (line: string) => {
  console.error(line);
};

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "almanac-moto-"));
  const moto = await startMoto(await install(), folder);
  const proxy = await motoProxy(moto.url);
  try {
    const stack = writeStack(folder, ENVIRONMENT, { region: "eu-central-1", ...EVERYTHING });
    writeFileSync(join(stack, "moto_override.tf.json"), JSON.stringify(overrideOf(proxy.url)));
    const options: TerraformOptions = { cwd: stack, environment: emulatorEnvironment() };
    await terraformInit(options);
    const failure = await terraformApply({ ...options, onProgress: log }).then(
      () => undefined,
      (error: unknown) => describeError(error),
    );
    const applied = (await terraform(["state", "list"], options)).split("\n").filter((line) => !/\bdata\./.test(line));
    const plan = join(folder, "plan");
    await terraformPlan(plan, { ...options, locked: false });
    const left = differencesIn(await terraformShowPlan(plan, options));
    return report({ applied: applied.filter(Boolean).length, failure, left, refused: proxy.refused });
  } finally {
    await proxy.stop();
    await moto.stop();
    rmSync(folder, { recursive: true });
  }
}

interface Outcome {
  readonly applied: number;
  /** Terraform's errors. */
  readonly failure: string | undefined;
  /** What a second plan would change. */
  readonly left: readonly Difference[];
  readonly refused: ReadonlySet<string>;
}

function report({ applied, failure, left, refused }: Outcome): number {
  console.log(`${applied} resources were applied; a second plan changes ${left.length}.`);
  for (const each of left) console.log(`  ${each.action} ${each.address}: ${each.attributes.join(", ")}`);
  for (const each of refused) console.log(colours.dim(`  moto refused ${each}`));
  if (failure !== undefined) console.log(colours.red(failure));
  const faults = unexplained(left);
  for (const { address } of faults) console.log(colours.red(`Not explained in differences.ts: ${address}`));
  const isWell = failure === undefined && faults.length === 0;
  if (isWell) console.log(colours.green(`Everything applies. Differences explained: ${EXPLAINED.length}.`));
  return isWell ? EXIT.ok : EXIT.failure;
}

const planSchema = z.object({
  resource_changes: z.array(
    z.object({
      address: z.string(),
      type: z.string(),
      change: z.object({
        actions: z.array(z.string()),
        before: z.record(z.string(), z.unknown()).nullable(),
        after: z.record(z.string(), z.unknown()).nullable(),
      }),
    }),
  ),
});

function differencesIn(plan: string): readonly Difference[] {
  return planSchema.parse(JSON.parse(plan)).resource_changes.flatMap(({ address, type, change }): Difference[] => {
    const { actions, before, after } = change;
    if (actions.every((action) => action === "no-op" || action === "read")) return [];
    const attributes = Object.keys(after ?? {}).filter(
      (name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
    );
    for (const name of attributes)
      log(`${address} ${name}: ${JSON.stringify(before?.[name])} -> ${JSON.stringify(after?.[name])}`);
    return [{ address, type, action: actions.join(" and "), attributes }];
  });
}

function overrideOf(endpoint: string): unknown {
  const aws = {
    access_key: "test",
    secret_key: "test",
    skip_credentials_validation: true,
    skip_metadata_api_check: "true",
    s3_use_path_style: true,
    endpoints: Object.fromEntries(SERVICES.map((service) => [service, endpoint])),
  };
  return { terraform: { backend: { local: {} } }, provider: { aws } };
}

interface Moto {
  readonly url: string;
  stop(): Promise<void>;
}

async function startMoto(python: string, folder: string): Promise<Moto> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = join(dirname(python), "moto_server");
  const child = spawn(python, [server, "-H", "127.0.0.1", "-p", String(port)], {
    cwd: folder,
    env: pythonEnvironment(),
    stdio: "ignore",
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  try {
    await untilReady(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until && child.exitCode === null) {
    const answer = await fetch(`${url}/moto-api/data.json`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(200);
  }
  throw new Error("moto's server does not answer");
}

async function install(): Promise<string> {
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex");
  const environment = { digest, requirements: REQUIREMENTS, folder: resolve(VIRTUAL_ENVIRONMENT) };
  const installed = await installedPython(environment);
  if (installed !== undefined) return installed;
  log("Installing moto, once for each release: 250 MB, about a minute");
  return installPython(environment, { onLine: log });
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`apply-to-moto: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
