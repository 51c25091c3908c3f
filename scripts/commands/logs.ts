/** `almanac logs [name]`: the log lines of an environment's functions. */
import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { InvalidArgumentError, Option } from "commander";
import { SECOND_MS } from "../../functions/shared/time";
import { findDeployed } from "../environments/deployed";
import { describeEvent, isAtLeast, LEVELS, type Level } from "../features/logs/describe-event";
import {
  correlationIds,
  followEvents,
  names,
  readEvents,
  readRelated,
  type LogEvent,
} from "../features/logs/log-events";
import { chosenGroups, logGroupsOf } from "../features/logs/log-groups";
import { colours } from "../shared/terminal/colours";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  notEmpty,
  withEnvironment,
  type EnvironmentOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { parseDuration } from "../shared/terminal/duration";
import { parseTime } from "../shared/terminal/time";
import { outputClosed } from "../shared/terminal/output";

interface Options extends EnvironmentOptions, JsonOption {
  readonly follow: boolean;
  /** Epoch milliseconds. */
  readonly since?: () => number;
  readonly id?: string;
  readonly level?: Level;
}

const SINCE_SECONDS = 3_600;
const SINCE_WHEN_FOLLOWING_SECONDS = 60;

/** A page of each function's lines a poll: five requests a second are allowed on AWS. */
const POLL_MS = { emulator: SECOND_MS, aws: 5 * SECOND_MS } as const;

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Shows the log lines of one function, one feature, or all functions, in time order. Times are UTC. --id follows one order, timer, task or " +
        "request: the lines that name it, and the other lines of the same invocations and requests.",
      examples: [
        "npx almanac logs",
        "npx almanac logs timers --since 15m --level error",
        "npx almanac logs timers-dispatch --follow --env staging",
        "npx almanac logs --id order-17 --since 2h",
      ],
    }),
  )
    .argument("[name]", "a feature or a function: timers, timers-dispatch")
    .option("-f, --follow", "show new lines as they arrive, until Ctrl-C", false)
    .option("--since <time>", "90s, 15m, 2h, 7d, or 2026-11-21T07:00:00Z (default: 1h; with --follow: 1m)", sinceOf)
    .option("--id <id>", "only lines about this order, timer, task or request", notEmpty)
    .addOption(new Option("--level <level>", "only lines of this level and above").choices(LEVELS))
    .option("--json", "one JSON document a line: the time, the function, and its fields", false)
    .action(exitCodeOf(run));

/** @returns the time once the environment, and with it its clock, is known */
function sinceOf(text: string): () => number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return () => Date.now() - seconds * SECOND_MS;
  const time = parseTime(text);
  if (time === undefined)
    throw new InvalidArgumentError("Expected a duration such as 15m, or a time such as 2026-11-21T07:00:00Z.");
  return () => time;
}

async function run(name: string | undefined, options: Options): Promise<number> {
  const deployed = await findDeployed(options);
  const groups = chosenGroups(logGroupsOf(deployed.name, deployed.state), name);
  const client = new CloudWatchLogsClient({ ...deployed.aws, maxAttempts: 8 });
  const { follow, id, json, level } = options;
  const width = Math.max(0, ...groups.map(({ functionName }) => functionName.length));
  const print = (event: LogEvent): boolean => {
    if (level !== undefined && !isAtLeast(level, event.message)) return false;
    const line = json ? jsonOf(event) : describeEvent(event, width, colours);
    if (line !== undefined) console.log(line);
    return line !== undefined;
  };
  const seconds = follow ? SINCE_WHEN_FOLLOWING_SECONDS : SINCE_SECONDS;
  const from = options.since?.() ?? Date.now() - seconds * SECOND_MS;
  if (follow) {
    const related = relatedTo(id);
    const pollMs = deployed.aws.endpoint === undefined ? POLL_MS.aws : POLL_MS.emulator;
    for await (const event of followEvents(client, groups, {
      from,
      signal: outputClosed,
      pollMs,
      now: Date.now,
      sleep,
    }))
      if (related(event)) print(event);
    return EXIT.ok;
  }
  const events =
    id === undefined
      ? await readEvents(client, groups, { from })
      : await readRelated(client, groups, id, { from, withPatterns: deployed.aws.endpoint === undefined });
  const printed = events.filter(print).length;
  if (printed === 0)
    console.error(`No lines${id === undefined ? "" : ` about ${id}`} since ${new Date(from).toISOString()}.`);
  return EXIT.ok;
}

/** Accepts lines that name the id, and what comes later of the same invocations and requests. */
function relatedTo(id: string | undefined): (event: LogEvent) => boolean {
  const known = new Set<string>();
  return ({ message }) => {
    if (id === undefined) return true;
    const ids = correlationIds(message);
    if (names(message, id)) for (const each of ids) known.add(each);
    return names(message, id) || ids.some((each) => known.has(each));
  };
}

function jsonOf({ time, functionName, message }: LogEvent): string {
  const fields = message.startsWith("{") ? message.slice(1) : `"message":${JSON.stringify(message)}}`;
  return `{"time":${JSON.stringify(new Date(time).toISOString())},"function":${JSON.stringify(functionName)},${fields}`;
}
