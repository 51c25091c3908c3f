/** `almanac timers put <id>`: creates or replaces a timer. */
import { ConflictError } from "../../../clients/timers";
import { describeTimer } from "../../features/timers/describe";
import { findTimers, timersAction } from "../../features/timers/environment";
import { Option } from "commander";
import { putInputOf, withSchedule, type PutOptions } from "../../features/timers/put-options";
import { environmentCommand, EXIT, type EnvironmentOptions, type JsonOption } from "../../shared/terminal/command-line";
import { JSON_ARGUMENT, readJsonArgument } from "../../shared/terminal/json-argument";

export const command = () =>
  withSchedule(
    environmentCommand({
      description: "Creates a timer, or replaces the one with that id. Without a schedule option it fires each hour.",
      examples: [
        'npx almanac timers put tea --every "15 minutes"',
        'npx almanac timers put report --cron "0 9 ? * MON-FRI *" --time-zone Europe/Berlin',
        `npx almanac timers put reminder --in 2h --data '{"order": 7}'`,
      ],
    }).argument("<id>", "the timer's id"),
  )
    .option("--data <json>", `the body of the callback's message: ${JSON_ARGUMENT}`)
    .option("--callback <name>", "where its fires go (default: default)")
    .option(
      "--catch-up <policy>",
      "after an outage: all fires, latest only, or those up to 90s, 15m or 2h late (default: all)",
    )
    .addOption(new Option("--overlap <policy>", "skip: no fire while another one runs").choices(["allow", "skip"]))
    .option("--max-attempts <count>", "deliveries of a fire that fails, 100 at most (default: 8)")
    .option("--max-age <time>", "no attempt later than 15m or 2h after the due time")
    .option("--history", "records its fires for seven days")
    .option("--no-history", "records none")
    .option("--disabled", "stored, but does not fire: paused")
    .option("--shard <name>", "shard0 (default: by the id)")
    .option("--if-version <version>", "replaces only this version")
    .option("--new", "fails if the timer exists")
    .action(timersAction(run));

/** Another caller was faster, or an old version was read. */
class TimerChangedError extends Error {
  override readonly name = "TimerChangedError";
  constructor(id: string, once: boolean, options: ErrorOptions) {
    super(
      `${id} was changed or deleted after that version was read. Nothing was written. Read it again, then change it: npx almanac timers get ${id}${once ? " --once" : ""}`,
      options,
    );
  }
}

async function run(id: string, options: PutOptions & EnvironmentOptions & JsonOption): Promise<number> {
  const { data } = options;
  const input = putInputOf({ ...options, ...(data !== undefined && { data: await readJsonArgument(data) }) });
  const { client } = await findTimers(options);
  const timer = await (
    input.kind === "oneshot" ? client.oneshot.put(id, input.timer) : client.periodic.put(id, input.timer)
  ).catch((error: unknown) => {
    const isOther = error instanceof ConflictError && options.ifVersion !== undefined;
    throw isOther ? new TimerChangedError(id, input.kind === "oneshot", { cause: error }) : error;
  });
  console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
  return EXIT.ok;
}
