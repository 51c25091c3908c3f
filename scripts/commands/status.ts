/** `npm run status`, `almanac status`: what `npm start` has started. */
import { describeAccess, describeAddresses, describeDeployment } from "../emulator/describe-run";
import { deployingProcess, describeAbsent, readRunning } from "../emulator/run-record";
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
  // First: a start that ends in between has written its record.
  const deploying = await deployingProcess(homeAt(home));
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
        deploying: deploying !== undefined,
        deployment,
      }),
    );
  } else if (record === undefined) {
    console.log(describeAbsent(deploying));
  } else {
    const { endpoint, emulator, since } = record;
    console.log(
      `Almanac runs at ${endpoint} (${emulator.description}, process ${emulator.process.pid}, since ${since})`,
    );
    console.log(`  ${describeDeployment(record, deploying)}`);
    console.log(`${describeAddresses(endpoint, record)}\n  ${describeAccess(endpoint)}`);
    console.log("Every table, queue, function and ARN: add --json");
  }
  return record === undefined ? EXIT.notRunning : EXIT.ok;
}
