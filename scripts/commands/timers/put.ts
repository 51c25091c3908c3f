/** `npm run timers -- <environment> put|get|ls|rm|fires ...`: sets timers, and looks at them. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvalidArgumentError } from "commander";
import * as z from "zod";
import { InvalidRequestError, TimersClient, type TimerView } from "../../../clients/timers";
import { findDeployed, NotDeployedError, type DeployedOptions } from "../../environments/deployed";
import { DEFAULT_HOME } from "../../emulator/home";
import { describeError, EXIT, npmCommand } from "../../shared/command-line";
import { describeFires, describeTimer, describeTimers } from "../../features/timers/describe";
import { recordedFires } from "../../features/timers/recorded-fires";
import { putInputOf, UsageError, type PutOptions } from "../../features/timers/put-options";

const outputsSchema = z.looseObject({ api_url: z.string(), recorded_fires_table_name: z.string().optional() });

interface Options extends DeployedOptions {
  readonly json: boolean;
}

async function findTimers(options: Options) {
  const { features, aws } = await findDeployed(environment, options);
  const outputs = outputsSchema.safeParse(features["timers"]);
  if (!outputs.success) throw new NotDeployedError(`${environment} has no timers: ${Object.keys(features).join(", ")}`);
  return { outputs: outputs.data, aws };
}

async function clientOf(options: Options): Promise<TimersClient> {
  const { outputs, aws } = await findTimers(options);
  const { region, credentials } = aws;
  return new TimersClient({ url: outputs.api_url, region, ...(credentials && { credentials }) });
}

async function put(id: string, options: PutOptions & Options): Promise<number> {
  const input = putInputOf(options);
  const timers = await clientOf(options);
  const timer =
    input.kind === "oneshot" ? await timers.oneshot.put(id, input.timer) : await timers.periodic.put(id, input.timer);
  console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
  return EXIT.ok;
}

async function get(id: string, options: Once & Options): Promise<number> {
  const timer = await collectionOf(await clientOf(options), options).get(id);
  if (timer === undefined) throw new NotThereError(`${environment} has no ${kindOf(options)} timer "${id}"`);
  console.log(options.json ? JSON.stringify(timer) : describeTimer(timer));
  return EXIT.ok;
}

async function list(options: Once & Options): Promise<number> {
  const timers: TimerView[] = [];
  for await (const timer of collectionOf(await clientOf(options), options).list()) timers.push(timer);
  if (options.json) console.log(JSON.stringify(timers));
  else console.log(timers.length === 0 ? `no ${kindOf(options)} timers` : describeTimers(timers));
  return EXIT.ok;
}

async function remove(given: readonly string[], options: Once & Options): Promise<number> {
  const timers = await clientOf(options);
  const kind = kindOf(options);
  const ids = [...new Set(given)];
  const outcomes = await timers.batch(ids.map((id) => ({ kind, id, delete: true })));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.ok ? [] : [`${ids[index] ?? ""}: ${outcome.error.message}`],
  );
  for (const failure of failures) console.error(failure);
  if (!options.json) console.log(`${outcomes.length - failures.length} deleted, or not there`);
  return failures.length === 0 ? EXIT.ok : EXIT.failure;
}

async function fires(id: string, options: Once & Options & { readonly limit: number }): Promise<number> {
  const { outputs, aws } = await findTimers(options);
  const { recorded_fires_table_name: table } = outputs;
  if (table === undefined)
    throw new NotThereError(
      `${environment} has a callback of its own, and only the one that Almanac comes with records fires`,
    );
  const all = await recordedFires(new DynamoDBClient(aws), { table, kind: kindOf(options), id });
  const latest = all.slice(0, options.limit);
  if (options.json) console.log(JSON.stringify(latest));
  else if (latest.length === 0) console.log(`no fires of a ${kindOf(options)} timer "${id}" in the last seven days`);
  else {
    console.log(describeFires(latest));
    if (latest.length < all.length) console.log(`${all.length - latest.length} earlier ones: --limit ${all.length}`);
  }
  return EXIT.ok;
}

interface Once {
  readonly once?: boolean;
}
const kindOf = ({ once }: Once) => (once === true ? "oneshot" : "periodic");
const collectionOf = (timers: TimersClient, options: Once) => timers[kindOf(options)];

class NotThereError extends Error {
  override readonly name = "NotThereError";
}

function countOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It is not a whole number of 1 or more.");
  return Number(text);
}

/** Ends with the code that a command comes to. */
function finish(code: Promise<number>): Promise<void> {
  return code.then(
    (ended) => {
      process.exitCode = ended;
    },
    (error: unknown) => {
      console.error(`npm run timers: ${describeError(error)}`);
      process.exitCode =
        error instanceof UsageError || error instanceof InvalidRequestError ? EXIT.badUsage : EXIT.failure;
    },
  );
}

/** The first argument, before the command: commander has no such thing. */
const [environment = "", ...rest] = process.argv.slice(2);
const command = npmCommand(
  "npm run timers -- <environment>",
  "Sets an environment's timers, and shows them.",
).helpCommand(false);

const common = (name: string, description: string) =>
  command
    .command(name)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError(`Usage and options: npm run timers -- <environment> ${name.split(" ")[0] ?? ""} --help`)
    .option("--json", "one JSON document on standard output, for programs", false)
    .option("--app <file>", "the app that has the environment", "main.ts")
    .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME);

common("put <id>", "Makes a timer, or replaces the one of that id: each hour, unless an option says otherwise.")
  .option("--minute <0-59>", "each hour at this minute (default: 40 minutes from now)")
  .option("--second <0-59>", "of the minute, with --minute or --every")
  .option('--every <"15 minutes">', "1 minute to 365 days")
  .option('--cron <"0 17 * * ? *">', "as EventBridge writes it")
  .option("--time-zone <name>", "of --cron: Europe/Berlin (default: UTC)")
  .option("--start <time>", "no fire before it: 2026-11-21T17:00:00Z")
  .option("--end <time>", "no fire after it")
  .option("--max-fires <count>", "so many, and no more")
  .option("--disabled", "kept, but it does not fire")
  .option("--at <time>", "once, then")
  .option("--in <time>", "once, in 90s, 15m, 2h or 7d")
  .option("--data <json>", "the message's body when it fires")
  .option("--jitter <seconds>", "puts off each fire by 0 to so many seconds, 300 at most")
  .option("--shard <name>", "shard0 (default: by the id)")
  .option("--if-version <version>", "replaces that version only")
  .option("--new", "replaces nothing")
  .action((id: string, options: PutOptions & Options) => finish(put(id, options)));
common("get <id>", "Shows a timer.")
  .option("--once", "one that fires once")
  .action((id: string, options: Once & Options) => finish(get(id, options)));
common("ls", "Lists the timers.")
  .option("--once", "those that fire once")
  .action((options: Once & Options) => finish(list(options)));
common("rm <ids...>", "Deletes timers.")
  .option("--once", "those that fire once")
  .action((ids: readonly string[], options: Once & Options) => finish(remove(ids, options)));
common(
  "fires <id>",
  "Shows when a timer has fired: the last seven days, as the callback that Almanac comes with records it.",
)
  .option("--once", "one that fires once")
  .option("--limit <count>", "the latest so many", countOf, 20)
  .action((id: string, options: Once & Options & { readonly limit: number }) => finish(fires(id, options)));

if (environment === "" || environment.startsWith("-")) {
  if (/^(-h|--help)$/.test(environment)) command.help();
  command.error("error: missing the environment, as main.ts names it: staging");
}
void command.parseAsync(rest, { from: "user" });
