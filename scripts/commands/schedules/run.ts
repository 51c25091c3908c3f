/** `almanac schedules run <schedule>`: runs it now, and follows its log to its end. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { functionName, inputFault, runKey, type Run } from "../../../functions/schedules/contract";
import { isOpen } from "../../../functions/schedules/plan/plan";
import { errorMessage } from "../../../functions/shared/errors";
import { parseJson } from "../../../functions/shared/input";
import { MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import { describeEvent } from "../../features/logs/describe-event";
import { followEvents, parseLine } from "../../features/logs/log-events";
import { describeRun, jsonOfRun } from "../../features/schedules/describe";
import { findSchedules, ownSchedule, type OwnSchedule } from "../../features/schedules/environment";
import { eventsOf, type FeatureTick } from "../../features/schedules/feature-ticks";
import { linesOfRun } from "../../features/schedules/lines-of-run";
import { logUrlOf } from "../../features/schedules/log-url";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { colours } from "../../shared/terminal/colours";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { JSON_ARGUMENT, readJsonArgument } from "../../shared/terminal/json-argument";
import { outputClosed } from "../../shared/terminal/output";

interface Options extends EnvironmentOptions, JsonOption {
  readonly input?: string;
  readonly force: boolean;
  readonly wait: boolean;
}

const POLL_MS = SECOND_MS;

/** AWS's limit of log requests allows this for one function. */
const LOG_POLL_MS = 2 * SECOND_MS;

/** Lines may reach CloudWatch this much later than they were written. */
const LOG_DELAY_MS = 10 * SECOND_MS;

/** A function that has not begun by then will be invoked again, or has failed before its handler. */
const BEGIN_LIMIT_MS = 2 * MINUTE_MS;

export const command = () =>
  environmentCommand({
    description:
      "Runs a schedule now and follows the log until the run has ended. A tick of Almanac's own (`schedules ls` lists them) is fired and not followed.",
    examples: [
      "npx almanac schedules run minuteReport",
      `npx almanac schedules run minuteReport --input '{"day": "2026-11-21"}'`,
      "npx almanac schedules run exports-heartbeats",
    ],
    exitCodes: { [EXIT.ok]: "the run has succeeded, or was started", [EXIT.failure]: "the run has failed" },
  })
    .argument("<schedule>", "its name in main.ts, or a tick of Almanac's own")
    .option("--input <json>", `for the handler, in place of the schedule's own input: ${JSON_ARGUMENT}`)
    .option("--force", "also while another run has not ended, when runs may not overlap", false)
    .option("--no-wait", "start it, and do not wait for its end")
    .action(exitCodeOf(run));

async function run(name: string, options: Options): Promise<number> {
  const found = await findSchedules(options);
  const { ticks, lambda, deployed } = found;
  // Its name has a hyphen; a schedule's has none.
  const tick = ticks.find((each) => each.name === name);
  if (tick !== undefined) return fireTick(tick, lambda, options);
  const schedule = ownSchedule(name, found);
  const input = await inputOf(options, schedule);
  await rejectOverlap(schedule, options);
  const started = await startRun(schedule, input, lambda);
  if (!options.wait) {
    console.log(options.json ? JSON.stringify(jsonOfRun(started)) : `started ${name}/${started.run}`);
    return EXIT.ok;
  }
  const ended = await followRun(schedule, started, deployed.aws, options);
  const logUrl = logUrlOf(ended, deployed.aws);
  console.log(options.json ? JSON.stringify(jsonOfRun(ended)) : describeRun(ended, logUrl, colours));
  return ended.outcome === "succeeded" ? EXIT.ok : EXIT.failure;
}

async function fireTick(tick: FeatureTick, lambda: LambdaClient, { input, json }: Options): Promise<number> {
  if (input !== undefined) throw new UsageError(`${tick.name} is a tick of Almanac's own: it takes no --input.`);
  const events = eventsOf(tick, Date.now());
  for (const event of events)
    await lambda.send(
      new InvokeCommand({ FunctionName: tick.functionArn, InvocationType: "Event", Payload: JSON.stringify(event) }),
    );
  const functionName = tick.functionArn.split(":").at(-1) ?? "";
  if (json) console.log(JSON.stringify({ fired: tick.name, functionName, events: events.length }));
  else console.log(`fired ${tick.name}. Its log: npx almanac logs ${functionName}`);
  return EXIT.ok;
}

async function inputOf({ input }: Options, { config }: OwnSchedule): Promise<string | undefined> {
  if (input === undefined) return config.input === undefined ? undefined : JSON.stringify(config.input);
  const text = await readJsonArgument(input);
  try {
    const value = parseJson(text);
    const fault = inputFault(value);
    if (fault === undefined) return JSON.stringify(value);
    throw new UsageError(`The input ${fault}`);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`The input ${errorMessage(error)}`);
  }
}

async function rejectOverlap({ name, config, table }: OwnSchedule, { force }: Options): Promise<void> {
  if (force || config.overlap === "allow") return;
  const open = [...((await table.states()).get(name)?.open ?? [])].map((run) => ({ schedule: name, run }));
  const other = (await table.read(open)).find(isOpen);
  if (other !== undefined)
    throw new UsageError(`${name}/${other.run} has not ended (${other.outcome}). To run it nevertheless: --force`);
}

/** The row first: the keeper finds a run whose start was cut short. */
async function startRun(
  { name, config, table, functionPrefix }: OwnSchedule,
  input: string | undefined,
  lambda: LambdaClient,
): Promise<Run> {
  const now = Date.now();
  const run = await table.create({
    schedule: name,
    run: runKey(now, randomUUID().slice(0, 8)),
    outcome: "queued",
    scheduledAt: now,
    dueAt: now,
    manual: true,
    attempt: 1,
    invocations: 0,
    ...(input !== undefined && { input }),
  });
  await table.follow(run);
  const attempt = { schedule: name, run: run.run, attempt: 1, retries: config.retries };
  await lambda.send(
    new InvokeCommand({
      FunctionName: functionName(functionPrefix, name),
      InvocationType: "Event",
      Payload: JSON.stringify(attempt),
    }),
  );
  await table.markInvoked(run, now);
  return run;
}

async function followRun(
  { name, table, functionPrefix }: OwnSchedule,
  started: Run,
  aws: AwsSettings,
  { json }: Options,
): Promise<Run> {
  const stop = new AbortController();
  outputClosed.addEventListener("abort", () => {
    stop.abort();
  });
  const log = json
    ? Promise.resolve()
    : followLog(functionName(functionPrefix, name), started, aws, stop.signal).catch((error: unknown) => {
        console.error(`The log could not be read: ${errorMessage(error)}`);
      });
  let latest = started;
  while (isOpen(latest) && !stop.signal.aborted) {
    await sleep(POLL_MS);
    [latest = latest] = await table.read([started]);
    if (latest.outcome === "queued" && Date.now() - started.scheduledAt > BEGIN_LIMIT_MS) break;
  }
  // The lines of a short run arrive after its end.
  await Promise.race([log, sleep(LOG_DELAY_MS, undefined, { signal: stop.signal }).catch(() => undefined)]);
  stop.abort();
  await log;
  return latest;
}

/** Prints the run's lines until its last one. Lambda writes none for a run that it ends: then until the signal aborts. */
async function followLog(
  functionName: string,
  { scheduledAt, run }: Run,
  aws: AwsSettings,
  signal: AbortSignal,
): Promise<void> {
  const client = new CloudWatchLogsClient({ ...aws, maxAttempts: 8 });
  const group = { name: `/aws/lambda/${functionName}`, feature: "schedules", functionName };
  const isOfRun = linesOfRun(run);
  const pollMs = aws.endpoint === undefined ? LOG_POLL_MS : POLL_MS;
  for await (const event of followEvents(client, [group], {
    from: scheduledAt,
    signal,
    pollMs,
    now: Date.now,
    sleep,
  })) {
    if (!isOfRun(event.message)) continue;
    const line = describeEvent(event, functionName.length, colours);
    if (line !== undefined) console.log(line);
    const { message, outcome } = parseLine(event.message) ?? {};
    if (message === "ended" && outcome !== "retrying") return;
  }
}
