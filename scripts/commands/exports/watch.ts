/** `almanac exports watch <export>`: follows an export's run. */
import { systemClock } from "../../../functions/shared/clock";
import { isRunning } from "../../../functions/exports/run/executions";
import { configurationOf, findExports } from "../../features/exports/environment";
import { followExecution } from "../../features/exports/follow";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { progressOn } from "../../shared/terminal/progress";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Follows an export's run until it has ended. Ctrl-C stops only the display.",
      examples: ["npx almanac exports watch orders --env staging"],
      exitCodes: { [EXIT.ok]: "the run has ended, or none is running", [EXIT.failure]: "the run failed" },
    }),
  )
    .argument("<export>", "its name in main.ts; a job's is <export>/<application>/<account>/<region>/<table>")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findExports(options);
  await configurationOf(name, deployed);
  const { active } = await deployed.state.exportState(name);
  if (active === undefined || !(await isRunning(deployed.sfn, active.execution))) {
    console.log(`${name} is not running.`);
    return EXIT.ok;
  }
  const ports = { ...deployed, progress: progressOn(process.stderr, Date.now), clock: systemClock };
  const { message } = await followExecution(name, active.execution, ports);
  console.log(message);
  return EXIT.ok;
}
