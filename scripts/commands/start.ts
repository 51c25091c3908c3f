/** `npm start`: Almanac on this machine. */
import { InvalidArgumentError } from "commander";
import { colours } from "../shared/colours";
import { logTail } from "../emulator/run";
import { describeAccess, describeFeatures } from "../emulator/describe-run";
import { DEFAULT_HOME, homeAt, type Home } from "../emulator/home";
import { DEFAULT_PORT } from "../local/port";
import { readRecord } from "../emulator/run-record";
import { startLocal, type Started } from "../local/start";
import { stopLocal } from "../local/stop";
import { describeError, EXIT, npmCommand } from "../shared/command-line";

const command = npmCommand(
  "npm start --",
  "Starts an AWS emulator on this machine, deploys Almanac to it, and keeps it running until Ctrl-C. Where one runs already, deploys to that.",
)
  .option("--detach", "leave it running in the background (npm run status, npm run stop)", false)
  .option("--port <n>", `the emulator's port (default: ${DEFAULT_PORT}, or the next free one)`, parsePort)
  .option("--app <file>", "the app that makes the stack `local`", "main.ts")
  .option("--home <folder>", "where it keeps its log, its stack and what runs", DEFAULT_HOME)
  .option("--record-calls", "write what functions and state machines ask of AWS to calls.ndjson in its home", false)
  .addHelpText(
    "after",
    "\nALMANAC_AWS_ENDPOINT names an AWS emulator that runs already: then nothing is started, and nothing stopped.",
  )
  .parse();

const options = command.opts<{ detach: boolean; port?: number; app: string; home: string; recordCalls: boolean }>();
const endpoint = process.env["ALMANAC_AWS_ENDPOINT"];
const home = homeAt(options.home);

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!interrupt.signal.aborted) console.error("\nStopping ...");
    interrupt.abort(new Error(`interrupted by ${signal}`));
  });
}

void run().then((code) => process.exit(code));

async function run(): Promise<number> {
  const began = performance.now();
  let started: Started;
  try {
    started = await startLocal({
      home,
      app: options.app,
      detach: options.detach,
      recordCalls: options.recordCalls,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }),
      signal: interrupt.signal,
    });
  } catch (error) {
    if (interrupt.signal.aborted) console.error("Interrupted: what was started has been stopped.");
    else console.error(`\n${colours.red("npm start failed:")} ${describeError(error)}`);
    return EXIT.failure;
  }
  console.log(`\n${colours.green("ready")} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  console.log(describe(started));
  const { ended } = started;
  return options.detach || ended === undefined ? EXIT.ok : keepRunning(ended, home);
}

function describe({ endpoint: at, features, emulator, record }: Started): string {
  const log = record === undefined ? [] : [`  log  ${record.emulator.log}`];
  const last =
    emulator === "foreign"
      ? "The emulator is yours: nothing was started, nothing will be stopped."
      : emulator === "found" || options.detach
        ? "It keeps running: npm run status, npm run stop."
        : "Ctrl-C stops it.";
  return [`Almanac runs at ${at}`, describeFeatures(features), ...log, `  ${describeAccess(at)}`, last].join("\n");
}

/** Until Ctrl-C, which stops it; or until it ends by itself. */
async function keepRunning(ended: Promise<number | null>, { folder }: Home): Promise<number> {
  const interrupted = new Promise<"interrupted">((resolve) => {
    if (interrupt.signal.aborted) resolve("interrupted");
    interrupt.signal.addEventListener("abort", () => {
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
    `${colours.red("The emulator ended by itself.")} Start it again: npm start. Its home: ${folder}\n${tail}`,
  );
  return EXIT.failure;
}

function parsePort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65_535)) throw new InvalidArgumentError("A port is a number from 1 to 65535.");
  return port;
}
