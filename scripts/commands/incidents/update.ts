/** `almanac incidents update <id> <text>`: publishes an update on the status page. */
import { Option } from "commander";
import { UPDATE_STATUSES, type IncidentUpdate } from "../../../functions/heartbeats/monitors/incident-updates";
import { addUpdate } from "../../features/heartbeats/incident-updates";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";

interface Options extends EnvironmentOptions {
  readonly status: Exclude<IncidentUpdate["status"], "resolved">;
}

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description: "Adds an update to an incident: on the status page, on the incident's page, in the feeds.",
      examples: [
        'npx almanac incidents update shop.2026-11-21T06:55:00Z "Card payments fail; invoices work." --status identified',
      ],
    }),
  )
    .argument("<id>", "the incident's id: npx almanac incidents ls")
    .argument("<text>", "what people should know")
    .addOption(
      new Option("--status <status>", "how far you are")
        .choices(UPDATE_STATUSES.filter((status) => status !== "resolved"))
        .default("update"),
    )
    .action(exitCodeOf(run));

async function run(id: string, text: string, options: Options): Promise<number> {
  await addUpdate(id, options.status, text, options);
  console.log(`${id}: the update is on the status page in a few seconds.`);
  return EXIT.ok;
}
