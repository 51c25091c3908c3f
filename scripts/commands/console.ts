/** `almanac console`: the live page of an environment, on this machine. */
import { randomBytes } from "node:crypto";
import { Option } from "commander";
import { routesOf } from "../console/routes";
import { sourceOf } from "../console/readers/source";
import { bundlePage } from "../console/server/bundle-page";
import { DEFAULT_PORT, startConsole } from "../console/server/server";
import { findDeployed } from "../environments/deployed";
import { openInBrowser } from "../shared/browser";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  wholeNumber,
  withEnvironment,
  type EnvironmentOptions,
} from "../shared/command-line";
import { writeConsoleKey } from "../shared/console-key";
import { outputClosed } from "../shared/output";

interface Options extends EnvironmentOptions {
  readonly open: boolean;
  readonly port?: number;
  readonly keyFile?: string;
  readonly untilStdinCloses: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Serves a live page of an environment on this machine: what failed, what is late, what ran last and what runs next, heartbeats and " +
        "timers. It reads with your AWS credentials; nothing is deployed for it. Prints an address that is good for one visit. Until Ctrl-C.",
      examples: ["npx almanac console", "npx almanac console --env staging"],
    }),
  )
    .option("--port <n>", `its port (default: ${DEFAULT_PORT}, or any free one)`, wholeNumber(1, 65_535))
    .option("--no-open", "only print the address")
    .addOption(
      new Option("--key-file <file>", "for npm start: prints the port, and writes a key for addresses").hideHelp(),
    )
    .addOption(new Option("--until-stdin-closes", "for npm start: ends with it").default(false).hideHelp())
    .action(exitCodeOf(run));

async function run(options: Options): Promise<number> {
  const interrupted = interruption(options);
  const bundling = bundlePage();
  const { name } = await findDeployed(options);
  const source = sourceOf(() => findDeployed(options), Date.now);
  const key = randomBytes(24).toString("base64url");
  const running = await startConsole({
    page: await bundling,
    views: routesOf(source),
    key,
    ...(options.port !== undefined && { port: options.port }),
  });
  if (options.keyFile === undefined) announce(running.issueAddress(), name, options);
  else {
    await writeConsoleKey(options.keyFile, { port: running.port, key });
    console.log(running.port);
  }
  await interrupted;
  await running.close();
  return EXIT.ok;
}

function interruption({ untilStdinCloses }: Options): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      resolve();
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
    outputClosed.addEventListener("abort", end);
    if (untilStdinCloses) process.stdin.resume().on("close", end);
  });
}

function announce(address: string, name: string, { open }: Options): void {
  console.log(address);
  console.error(`The console of ${name}. The address is good for one visit. Stop: Ctrl-C`);
  if (open && process.stdout.isTTY) openInBrowser(address);
}
