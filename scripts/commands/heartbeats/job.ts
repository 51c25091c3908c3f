/** `almanac heartbeats job <name>`: what a job reported last. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dueAfter, hasFailed, isRunning, runDurationMs } from "../../../functions/heartbeats/monitors/job";
import { monitorKey } from "../../../functions/heartbeats/monitors/policy";
import { stateTable } from "../../../functions/heartbeats/monitors/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { visibleLines } from "../../../functions/shared/text";
import { MINUTE_MS, isoSeconds } from "../../../functions/shared/time";
import { findDeployed } from "../../environments/deployed";
import { cronMonitorNamed } from "../../features/heartbeats/cron-monitors";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";

const READ_MS = MINUTE_MS;

export const command = () =>
  environmentCommand({
    description: "Shows what a job reported last: success or failure, exit code, duration, the end of its output.",
    examples: ["npx almanac heartbeats job nightly-backup --env staging"],
  })
    .argument("<name>", "the cron monitor's name in main.ts")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions & JsonOption): Promise<number> {
  const { aws, ...deployed } = await findDeployed(options);
  const outputs = outputsOf("heartbeats", deployed);
  const schedule = await cronMonitorNamed(name, outputs.configuration_bucket_name, aws);
  const ports = { clock: systemClock, random: Math.random };
  const states = stateTable(new DynamoDBClient(aws), outputs.state_table_name, ports);
  const key = monitorKey.cron(name);
  const [stored, log] = await Promise.all([states.read([key], Date.now() + READ_MS), states.readLog(key)]);
  const job = stored.get(key)?.job ?? {};
  const { heartbeatAt, failedAt, startedAt, exitCode } = job;
  const durationMs = runDurationMs(job);
  const due = heartbeatAt === undefined ? undefined : dueAfter(schedule, heartbeatAt);
  const at = (time: number | undefined) => (time === undefined ? "never" : isoSeconds(time));
  const state = isRunning(job)
    ? "running"
    : hasFailed(job)
      ? "failed"
      : heartbeatAt === undefined
        ? "no report yet"
        : "succeeded";
  if (options.json) console.log(JSON.stringify({ monitor: name, state, ...job, ...(log !== undefined && { log }) }));
  else
    console.log(
      [
        `${name}: ${state}`,
        `last success  ${at(heartbeatAt)}${due === undefined ? "" : `, next one due by ${at(due)}`}`,
        `last failure  ${at(failedAt)}`,
        `last start    ${at(startedAt)}`,
        ...(exitCode === undefined ? [] : [`exit code     ${exitCode}`]),
        ...(durationMs === undefined ? [] : [`duration      ${durationMs} ms`]),
        ...(log === undefined
          ? []
          : [
              "",
              ...visibleLines(log.trimEnd())
                .split("\n")
                .map((line) => `  ${line}`),
            ]),
      ].join("\n"),
    );
  return EXIT.ok;
}
