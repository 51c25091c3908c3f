/** `npm start`, `almanac start`: Almanac on this machine. */
import { followFunctions, type FunctionLine } from "../emulator/function-logs";
import { logTail } from "../emulator/run";
import { describeAddresses, describeCommands } from "../emulator/describe-run";
import { readRecord } from "../emulator/run-record";
import { DEFAULT_PORT } from "../local/port";
import { describeEvent } from "../features/logs/describe-event";
import { watchSources } from "../local/live/run";
import { openSession } from "../local/session";
import { startLocal, type Started } from "../local/start";
import { stopLocal } from "../local/stop";
import { colours } from "../shared/terminal/colours";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  portNumber,
  withApp,
  type AppOptions,
} from "../shared/terminal/command-line";
import { consoleKeyFile, requestConsoleAddress } from "../shared/console-key";
import { describeError } from "../shared/terminal/errors";
import { DEFAULT_HOME, homeAt, type Home } from "../shared/home";
import { isInForeground } from "../shared/terminal/foreground";
import { interruptible } from "../shared/interrupts";
import { outputClosed } from "../shared/terminal/output";
import { ensureTerraform } from "../terraform/terraform";

interface Options extends AppOptions {
  readonly detach: boolean;
  readonly fresh: boolean;
  readonly port?: number;
  readonly recordCalls: boolean;
  readonly yes: boolean;
}

export const command = () =>
  withApp(
    new DocumentedCommand({
      description:
        "Starts an AWS emulator on this machine, deploys Almanac to it, and keeps it running until Ctrl-C. The next start continues where this " +
        "one ended. If one is running already, deploys to it. ALMANAC_AWS_ENDPOINT names an emulator of your own: then nothing is started or stopped.",
      examples: ["npm start", "npm start -- --detach", "npm start -- --fresh", "npm start -- --port 5000"],
    }),
  )
    .option("--yes", "download Terraform without asking, if this machine has none", false)
    .option("--detach", "leave it running in the background (npm run status, npm run stop)", false)
    .option("--fresh", "start with an empty emulator, and forget what an earlier one has kept", false)
    .option("--port <n>", `the emulator's port (default: ${DEFAULT_PORT}, or the next free one)`, portNumber)
    .option(
      "--record-calls",
      "write the AWS calls of functions and state machines to calls.ndjson in the home folder",
      false,
    )
    .action(exitCodeOf(run));

async function run(options: Options): Promise<number> {
  const code = await interruptible("Stopping ...", (signal) => start(options, AbortSignal.any([signal, outputClosed])));
  // Output to a pipe may be pending; a child process must not keep this one alive.
  await new Promise((written) => process.stdout.write("", written));
  process.exit(code);
}

async function start(options: Options, signal: AbortSignal): Promise<number> {
  const { home: folder, app, detach, fresh, recordCalls, port, yes } = options;
  const endpoint = process.env["ALMANAC_AWS_ENDPOINT"];
  const home = homeAt(folder);
  const [began, since] = [performance.now(), Date.now()];
  let started: Started;
  try {
    await ensureTerraform({ yes, signal });
    started = await startLocal({
      home,
      app,
      detach,
      fresh,
      recordCalls,
      ...(port === undefined ? {} : { port }),
      ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }),
      signal,
    });
  } catch (error) {
    if (signal.aborted) console.error("Interrupted: everything that was started has been stopped.");
    else console.error(`\n${colours.red("Start failed:")} ${describeError(error)}`);
    return EXIT.failure;
  }
  console.log(`\n${colours.green("ready")} after ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  const address = await requestConsoleAddress(consoleKeyFile(home.folder));
  console.log(describe(started, home, detach, address));
  const { ended } = started;
  if (detach || ended === undefined) return EXIT.ok;
  const session = new AbortController();
  const endSession = () => {
    session.abort();
  };
  signal.addEventListener("abort", endSession);
  openSession({
    lines: (until) => followFunctions(started.endpoint, until),
    since,
    watch: (live) => watchSources({ home, app, ...live }),
    deployment: async () => (await readRecord(home))?.deployment,
    apply: async () => {
      await startLocal({ home, app, detach: false, fresh: false, recordCalls: false, signal });
    },
    describeLine,
    colours,
    print: console.log,
    input: process.stdin,
    canRead: isInForeground,
    signal: session.signal,
  });
  return keepRunning(ended, home, signal).finally(endSession);
}

/** The longest short name of a function that is usual: longer ones move their line. */
const NAME_WIDTH = 24;

/** A line as `almanac logs` shows it. */
function describeLine({ time, functionName, message }: FunctionLine): string | undefined {
  const short = functionName.replace(/^[a-z0-9-]+?-local-/, "");
  return describeEvent({ time, functionName: short, message, key: "" }, NAME_WIDTH, colours);
}

function describe(
  { endpoint, features, emulator, record }: Started,
  { folder }: Home,
  detach: boolean,
  consoleAddress: string | undefined,
): string {
  const home = folder === homeAt(DEFAULT_HOME).folder ? "" : ` --home ${folder}`;
  const last =
    emulator === "foreign"
      ? "The emulator is yours: nothing was started, and nothing will be stopped."
      : emulator === "found" || detach
        ? `It keeps running. Stop it: npm run stop${home === "" ? "" : ` --${home}`}`
        : "Stop it: Ctrl-C";
  return [
    describeAddresses(endpoint, record, consoleAddress),
    "",
    describeCommands(features, folder),
    "",
    `Every table, queue, function and ARN: npx almanac status --json${home}`,
    last,
  ].join("\n");
}

/** Until Ctrl-C, which stops the emulator; or until the emulator ends on its own. */
async function keepRunning(ended: Promise<number | null>, home: Home, signal: AbortSignal): Promise<number> {
  const interrupted = new Promise<"interrupted">((resolve) => {
    if (signal.aborted) resolve("interrupted");
    signal.addEventListener("abort", () => {
      resolve("interrupted");
    });
  });
  if ((await Promise.race([ended, interrupted])) === "interrupted") {
    await stopLocal(home);
    console.log("\nStopped.");
    return EXIT.ok;
  }
  const record = await readRecord(home);
  if (record === undefined || record.stopping) {
    console.log("Stopped by npm run stop.");
    return EXIT.ok;
  }
  const tail = await logTail(record.emulator.log);
  await stopLocal(home);
  console.error(
    `${colours.red("The emulator ended unexpectedly.")} Start it again: npm start. Its home: ${home.folder}\n${tail}`,
  );
  return EXIT.failure;
}
