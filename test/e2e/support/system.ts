/** The deployed system under test, and the commands for it. */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { readRunning, type RunRecord } from "../../../scripts/emulator/run-record";
import { keysOf } from "../../../scripts/shared/emulator-keys";
import { homeAt } from "../../../scripts/shared/home";
import { withLock } from "../../../scripts/shared/lock-file";
import { UNTIL_HUNG_MS } from "../../support/time-limit";

/** Not the default home, which a developer may be using. */
export const home = resolve(".almanac/e2e");
export const targetsFile = join(home, "targets.json");
export const stackDirectory = join(home, "cdktf.out", "stacks", "local");

/** In the environment of `npm start`, and nowhere else. */
export const PERSONAL_VALUE = "of-the-person-who-ran-npm-start";

/** Arguments of `npm start` for the tests' system. */
export const startArguments = ["--app", "test/e2e/support/app.ts", "--home", home];

/** The record of the tests' system. */
export async function readSystem(): Promise<RunRecord> {
  const running = await readRunning(homeAt(home));
  if (running === undefined) throw new Error("npm start is not running");
  return running;
}

/** AWS clients' configuration for the emulator. */
export const awsConfiguration = (endpoint: string) => ({
  endpoint,
  region: "eu-central-1",
  credentials: keysOf(endpoint),
  forcePathStyle: true, // S3 only
});

/**
 * Does the work while no other suite changes what Terraform has deployed, and none relies on it being unchanged: the suites run side by
 * side on one system.
 */
export function withDeployment<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(home, "deployment.lock"), {}, work);
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command: `npmRun("start", "--detach")`, `npmRun("timers", "ls", "--env", "local")`. */
export function npmRun(command: string, ...args: readonly string[]): Promise<Ended> {
  return npmRunWith({}, command, ...args);
}

/** With additional environment variables. */
export function npmRunWith(
  variables: Readonly<Record<string, string>>,
  command: string,
  ...args: readonly string[]
): Promise<Ended> {
  const { ALMANAC_AWS_ENDPOINT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["scripts/launcher/almanac.mjs", command, ...args], {
    env: { ...env, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  return new Promise((settle) => {
    child.on("close", (code) => {
      settle({ code, output });
    });
  });
}

/** Polls until the value satisfies the predicate. How long that takes depends on the machine: tests of times compare what was recorded. */
export async function eventually<T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
  const until = Date.now() + UNTIL_HUNG_MS / 2;
  for (;;) {
    const value = await read();
    if (isDone(value)) return value;
    if (Date.now() > until)
      throw new Error(`not within ${UNTIL_HUNG_MS / 2_000} s: ${JSON.stringify(value).slice(0, 2000)}`);
    await new Promise((wait) => setTimeout(wait, 500));
  }
}
