/** `almanac heartbeats report`: uptime of a calendar month. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { readConfiguration } from "../../../functions/heartbeats/monitors/configuration";
import { monitorsOf } from "../../../functions/heartbeats/monitors/policy";
import { stateTable } from "../../../functions/heartbeats/monitors/state-table";
import { systemClock } from "../../../functions/shared/clock";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { MINUTE_MS, MINUTE_SECONDS } from "../../../functions/shared/time";
import { findDeployed } from "../../environments/deployed";
import { NotDeployedError } from "../../environments/stack";
import {
  describeMonth,
  monthAsCsv,
  monthBefore,
  monthlyUptime,
  monthOf,
} from "../../features/heartbeats/monthly-report";
import { readStatusDocument } from "../../features/heartbeats/status-document";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";
import { terminalText } from "../../shared/terminal/plain-text";
import { createS3Client } from "../../shared/aws/s3-client";

interface Options extends EnvironmentOptions, JsonOption {
  readonly month?: string;
  readonly csv: boolean;
}

const CONCURRENT_READS = 16;
const READ_MS = MINUTE_MS;

export const command = () =>
  withJson(
    withEnvironment(
      new DocumentedCommand({
        description:
          "Reports the uptime of each monitor in a calendar month (UTC): what was down, degraded, not checked.",
        examples: [
          "npx almanac heartbeats report --month 2026-10 --env staging",
          "npx almanac heartbeats report --month 2026-10 --csv > october.csv",
        ],
      }),
    )
      .option("--month <month>", "the month: 2026-10 (default: the last one that is over)")
      .option("--csv", "comma-separated values, times in milliseconds", false),
  ).action(exitCodeOf(run));

/** @throws UsageError */
function intervalOf(month: string): NonNullable<ReturnType<typeof monthOf>> {
  const interval = monthOf(month);
  if (interval === undefined) throw new UsageError(`--month: "${month}" is not a month such as 2026-10`);
  return interval;
}

async function run(options: Options): Promise<number> {
  if (options.csv && options.json) throw new UsageError("Pass either --csv or --json.");
  if (options.month !== undefined) intervalOf(options.month);
  const { name, aws, ...deployed } = await findDeployed(options);
  const now = Date.now();
  const { month = monthBefore(now) } = options;
  const interval = intervalOf(month);
  if (interval.from > now) throw new UsageError(`--month: ${month} is in the future`);
  const outputs = outputsOf("heartbeats", { name, ...deployed });
  const s3 = createS3Client(aws);
  const configuration = await readConfiguration(s3, outputs.configuration_bucket_name);
  const document = await readStatusDocument(s3, outputs.status_page_bucket_name);
  if (document === undefined) throw new NotDeployedError(`Nothing has been checked in ${name} yet.`);
  const states = stateTable(new DynamoDBClient(aws), outputs.state_table_name, {
    clock: systemClock,
    random: Math.random,
  });
  const monitors = monitorsOf(configuration, document.intervalSeconds / MINUTE_SECONDS);
  const stored = await states.read(
    monitors.map(({ key }) => key),
    now + READ_MS,
  );
  const rows = await mapConcurrently(monitors, CONCURRENT_READS, async (monitor) => {
    const { from } = interval;
    const history = await states.history(monitor.key, { hours: now, days: from, incidents: from });
    return monthlyUptime({ monitor, state: stored.get(monitor.key)?.state, history }, interval, now);
  });
  if (options.csv) process.stdout.write(terminalText(monthAsCsv(rows)));
  else
    console.log(
      options.json ? JSON.stringify({ environment: name, month, monitors: rows }) : describeMonth(rows, month),
    );
  return EXIT.ok;
}
