/** `npm run status`: what `npm start` has started. */
import { describeAccess, describeFeatures } from "../emulator/describe-run";
import { DEFAULT_HOME, homeAt } from "../emulator/home";
import { readRunning } from "../emulator/run-record";
import { EXIT, npmCommand } from "../shared/command-line";

const { home, json } = npmCommand(
  "npm run status --",
  "Says whether Almanac runs on this machine, and where. Exit code 0: it runs; 3: it does not.",
)
  .option("--home <folder>", "the folder that was given to npm start", DEFAULT_HOME)
  .option("--json", "one JSON document on standard output, for programs", false)
  .parse()
  .opts<{ home: string; json: boolean }>();

void readRunning(homeAt(home)).then((record) => {
  if (json) {
    const { endpoint, port, since, emulator, deployment } = record ?? {};
    const running = record !== undefined;
    console.log(
      JSON.stringify({ running, endpoint, port, since, pid: emulator?.process.pid, log: emulator?.log, deployment }),
    );
  } else if (record === undefined) {
    console.log("Almanac is not running here. Start it: npm start");
  } else {
    const { endpoint, emulator, since, deployment } = record;
    console.log(
      `Almanac runs at ${endpoint} (${emulator.description}, process ${emulator.process.pid}, since ${since})`,
    );
    console.log(
      deployment === undefined
        ? "  nothing is deployed yet: npm start"
        : `  deployed at ${deployment.at}\n${describeFeatures(deployment.features)}`,
    );
    console.log(`  log  ${emulator.log}\n  ${describeAccess(endpoint)}`);
  }
  process.exitCode = record === undefined ? EXIT.notRunning : EXIT.ok;
});
