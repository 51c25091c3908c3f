/** `npm run status`, `almanac status`: what `npm start` has started. */
import { describeAccess, describeAddresses } from "../emulator/describe-run";
import { readRunning } from "../emulator/run-record";
import {
  DocumentedCommand,
  EXIT,
  EXIT_CODES,
  exitCodeOf,
  withHome,
  withJson,
  type JsonOption,
} from "../shared/terminal/command-line";
import { keysOf } from "../shared/emulator-keys";
import { homeAt } from "../shared/home";

export const command = () =>
  withJson(
    withHome(
      new DocumentedCommand({
        description: "Shows whether Almanac runs on this machine, and where.",
        examples: ["npx almanac status", "npx almanac status --json"],
        exitCodes: { [EXIT.ok]: "it runs", [EXIT.notRunning]: EXIT_CODES[EXIT.notRunning] ?? "" },
      }),
    ),
  ).action(exitCodeOf(run));

async function run({ home, json }: JsonOption & { readonly home: string }): Promise<number> {
  const record = await readRunning(homeAt(home));
  if (json) {
    const { endpoint, port, since, emulator, pages, deployment } = record ?? {};
    const running = record !== undefined;
    console.log(
      JSON.stringify({
        running,
        endpoint,
        credentials: endpoint === undefined ? undefined : keysOf(endpoint),
        port,
        since,
        pid: emulator?.process.pid,
        log: emulator?.log,
        pages: pages?.url,
        deployment,
      }),
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
        : `  deployed at ${deployment.at}: ${Object.keys(deployment.features).join(", ")}`,
    );
    console.log(`${describeAddresses(endpoint, record)}\n  ${describeAccess(endpoint)}`);
    console.log("Every table, queue, function and ARN: add --json");
  }
  return record === undefined ? EXIT.notRunning : EXIT.ok;
}
