/** The deployed system that end-to-end tests look at, and the commands that people run on it. */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";

/** Apart from what a person may be running beside the tests. */
export const home = resolve(".almanac/e2e");
export const targetsFile = join(home, "targets.json");
export const stackDirectory = join(home, "cdktf.out", "stacks", "local");

/** What `npm start` is told, so that it starts the tests' own system. */
export const startArguments = ["--app", "test/e2e/support/app.ts", "--home", home];

/** AWS clients' configuration for the emulator. */
export const awsConfiguration = (endpoint: string) => ({
  endpoint,
  region: "eu-central-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  forcePathStyle: true, // S3 only
});

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command: `npmRun("start", "--detach")`, `npmRun("timers", "ls", "--env", "local")`. */
export function npmRun(command: string, ...args: readonly string[]): Promise<Ended> {
  return npmRunWith({}, command, ...args);
}

/** The same, with these environment variables besides. */
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

/** Asks again and again until the answer is good. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isGood: (answer: T) => boolean,
  timeoutMs: number,
): Promise<T> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isGood(answer)) return answer;
    if (Date.now() > until)
      throw new Error(`still not after ${timeoutMs / 1000} s: ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((wait) => setTimeout(wait, 500));
  }
}
