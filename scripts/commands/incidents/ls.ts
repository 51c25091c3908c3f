/** `almanac incidents ls`: the incidents of 90 days. */
import { readIncidents } from "../../features/heartbeats/incident-updates";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { table } from "../../shared/terminal/table";

interface Options extends EnvironmentOptions, JsonOption {
  readonly open: boolean;
}

export const command = () =>
  withJson(
    withEnvironment(
      new DocumentedCommand({
        description: "Lists the incidents of the status page: of 90 days, open ones first.",
        examples: ["npx almanac incidents ls", "npx almanac incidents ls --open --env staging"],
      }),
    ).option("--open", "only those that are open", false),
  ).action(exitCodeOf(run));

async function run(options: Options): Promise<number> {
  const all = await readIncidents(options);
  const incidents = options.open ? all.filter(({ closedAt }) => closedAt === null) : all;
  const rows = incidents.map(({ id, severity, closedAt, message }) => [
    id,
    closedAt === null ? severity : "over",
    message,
  ]);
  if (options.json) console.log(JSON.stringify({ incidents }));
  else console.log(rows.length === 0 ? "No incidents." : table(["id", "state", "message"], rows));
  return EXIT.ok;
}
