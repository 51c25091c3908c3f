/** `almanac console`: the live page of an environment, on this machine. */
import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { Option } from "commander";
import type { Where } from "../console/actions/actions";
import { routesOf } from "../console/routes";
import { sourceOf } from "../console/readers/source";
import { bundlePage } from "../console/server/bundle-page";
import { runAction } from "../console/actions/run-action";
import { DEFAULT_PORT, startConsole } from "../console/server/server";
import { readDeployed } from "../environments/deployed";
import { LOCAL } from "../environments/names";
import { openInBrowser } from "../shared/terminal/browser";
import {
  callersPath,
  DEFAULT_APP,
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  portNumber,
  withEnvironment,
  type EnvironmentOptions,
} from "../shared/terminal/command-line";
import { writeConsoleKey } from "../shared/console-key";
import { DEFAULT_HOME } from "../shared/home";
import { outputClosed } from "../shared/terminal/output";

interface Options extends EnvironmentOptions {
  readonly open: boolean;
  readonly write: boolean;
  readonly port?: number;
  readonly keyFile?: string;
  readonly untilStdinCloses: boolean;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Serves a live page of an environment on this machine: what failed, what is late, what ran last and what runs next, and a view of " +
        "each feature. It works with your AWS credentials; nothing is deployed for it. Prints an address that is good for one visit. Until Ctrl-C.",
      examples: [
        "npx almanac console",
        "npx almanac console --env staging",
        "npx almanac console --env staging --write",
      ],
    }),
  )
    .option("--write", "allow actions outside of local: run now, pause, set, delete, send", false)
    .option("--port <n>", `its port (default: ${DEFAULT_PORT}, or any free one)`, portNumber)
    .option("--no-open", "only print the address")
    .addOption(
      new Option("--key-file <file>", "for npm start: prints the port, and writes a key for addresses").hideHelp(),
    )
    .addOption(new Option("--until-stdin-closes", "for npm start: ends with it").default(false).hideHelp())
    .action(exitCodeOf(run));

async function run(options: Options): Promise<number> {
  const interrupted = interruption(options);
  const bundling = bundlePage();
  const { name } = await readDeployed(options);
  const source = sourceOf(() => readDeployed(options), Date.now);
  const canWrite = name === LOCAL || options.write;
  const where = whereOf(name, options);
  const key = randomBytes(24).toString("base64url");
  const running = await startConsole({
    page: await bundling,
    views: routesOf(source, { canWrite, where }),
    key,
    ...(canWrite && { act: (action, values) => runAction(action, values, where) }),
    ...(options.port !== undefined && { port: options.port }),
  });
  if (options.keyFile === undefined) announce(running.issueAddress(), name, options, canWrite);
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

/** The options of commands for the same environment, where they are not the default. */
function whereOf(env: string, { app, home }: Options): Where {
  return {
    "--env": env,
    ...(app !== DEFAULT_APP && { "--app": resolve(app) }),
    ...(env === LOCAL && home !== callersPath(DEFAULT_HOME) && { "--home": home }),
  };
}

function announce(address: string, name: string, { open }: Options, canWrite: boolean): void {
  console.log(address);
  const reading = canWrite ? "" : ", which only reads";
  console.error(`The console of ${name}${reading}. The address is good for one visit. Stop: Ctrl-C`);
  if (open && process.stdout.isTTY) openInBrowser(address);
}
