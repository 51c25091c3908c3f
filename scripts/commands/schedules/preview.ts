/** `almanac schedules preview <schedule>`: its next runs, or those of any expression. */
import { nextInstant, scheduleFault, type Instants } from "../../../functions/shared/calendar/schedule-expression";
import { isTimeZone } from "../../../functions/shared/calendar/is-time-zone";
import { isoSeconds } from "../../../functions/shared/time";
import { findSchedules, ownSchedule } from "../../features/schedules/environment";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  wholeNumber,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

interface Options extends EnvironmentOptions, JsonOption {
  readonly count: number;
  readonly zone?: string;
}

export const command = () =>
  environmentCommand({
    description:
      "Shows the next runs of a schedule, in UTC and in its time zone. An expression in place of a name is evaluated without an environment.",
    examples: [
      "npx almanac schedules preview minuteReport",
      `npx almanac schedules preview "cron(0 6 1 * ? *)" --zone Europe/Berlin --count 12`,
    ],
  })
    .argument("<schedule>", "its name in main.ts, or an expression")
    .option("--zone <zone>", "of an expression: an IANA time zone (default: UTC)")
    .option("--count <n>", "how many", wholeNumber(1, 1_000), 10)
    .action(exitCodeOf(run));

async function run(name: string, options: Options): Promise<number> {
  const instants = /[()]/.test(name) ? parsed(name, options) : await instantsOf(name, options);
  const times: number[] = [];
  for (let at = nextInstant(instants, Date.now()); at !== undefined; at = nextInstant(instants, at)) {
    times.push(at);
    if (times.length >= options.count) break;
  }
  const runs = times.map((at) => ({ at: isoSeconds(at), local: localOf(at, instants.timeZone) }));
  if (options.json) console.log(JSON.stringify({ timeZone: instants.timeZone, runs }));
  else if (runs.length === 0) console.log("no further run");
  else for (const { at, local } of runs) console.log(instants.timeZone === "UTC" ? at : `${at}  ${local}`);
  return EXIT.ok;
}

async function instantsOf(name: string, options: Options): Promise<Instants> {
  if (options.zone !== undefined) throw new UsageError(`--zone is of an expression: ${name} has its own time zone.`);
  const { config, table } = ownSchedule(name, await findSchedules(options));
  const isPaused = (await table.states()).get(name)?.pausedAt !== undefined;
  if (!config.enabled) console.error(`${name} is disabled in main.ts: it does not run.`);
  else if (isPaused) console.error(`${name} is paused: it does not run until npx almanac schedules resume ${name}`);
  return config;
}

function parsed(schedule: string, { zone: timeZone = "UTC" }: Options): Instants {
  const fault = scheduleFault(schedule);
  if (fault !== undefined) throw new UsageError(`"${schedule}" ${fault}`);
  if (!isTimeZone(timeZone)) throw new UsageError(`"${timeZone}" is not an IANA time zone such as "Europe/Berlin"`);
  return { schedule, timeZone };
}

/** `Sun 2026-11-01 06:00 CET` */
function localOf(at: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? "";
  return `${part("weekday")} ${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")} ${part("timeZoneName")}`;
}
