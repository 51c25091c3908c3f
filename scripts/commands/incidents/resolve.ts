/** `almanac incidents resolve <id> <text>`: publishes how an incident was resolved. */
import { addUpdate } from "../../features/heartbeats/incident-updates";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Tells how an incident that is over was resolved. An open incident is closed by its monitor.",
      examples: ['npx almanac incidents resolve shop.2026-11-21T06:55:00Z "A disk was full. It has an alarm now."'],
    }),
  )
    .argument("<id>", "the incident's id: npx almanac incidents ls")
    .argument("<text>", "what happened, and what was done")
    .action(exitCodeOf(run));

async function run(id: string, text: string, options: EnvironmentOptions): Promise<number> {
  await addUpdate(id, "resolved", text, options);
  console.log(`${id}: resolved, on the status page in a few seconds.`);
  return EXIT.ok;
}
