/** `almanac schedules ls`: all that is scheduled in an environment. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { rateMs } from "../../../functions/shared/calendar/schedule-expression";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { DAY_MS, HOUR_MS } from "../../../functions/shared/time";
import { readEvents } from "../../features/logs/log-events";
import { describeSchedules, type ListedSchedule } from "../../features/schedules/describe";
import { findSchedules, type FoundSchedules } from "../../features/schedules/environment";
import type { FeatureTick } from "../../features/schedules/feature-ticks";
import { listedTick, listOwn } from "../../features/schedules/list";
import { colours } from "../../shared/terminal/colours";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  withJson,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

const CONCURRENCY = 4;

/** How far back the log is read for the last run of a tick. */
const MAX_LOOK_BACK_MS = DAY_MS + HOUR_MS;

export const command = () =>
  withJson(
    withEnvironment(
      new DocumentedCommand({
        description:
          "Lists all that is scheduled in an environment: the functions of main.ts, and what Almanac's own features run. Times are UTC.",
        examples: ["npx almanac schedules ls", "npx almanac schedules ls --env staging --json"],
      }),
    ),
  ).action(exitCodeOf(run));

async function run(options: EnvironmentOptions & JsonOption): Promise<number> {
  const found = await findSchedules(options);
  const now = Date.now();
  const listed = [
    ...(found.own === undefined ? [] : await listOwn(found.own, now)),
    ...(await mapConcurrently(found.ticks, CONCURRENCY, (tick) => listTick(tick, found, now))),
  ];
  console.log(options.json ? JSON.stringify({ schedules: listed }) : describeSchedules(listed, colours));
  return EXIT.ok;
}

/** The last run of a tick is in its function's log. */
async function listTick(tick: FeatureTick, { deployed }: FoundSchedules, now: number): Promise<ListedSchedule> {
  const client = new CloudWatchLogsClient({ ...deployed.aws, maxAttempts: 8 });
  const functionName = tick.functionArn.split(":").at(-1) ?? "";
  const lookBack = Math.min(MAX_LOOK_BACK_MS, 3 * (rateMs(tick.schedule) ?? MAX_LOOK_BACK_MS));
  const group = { name: `/aws/lambda/${functionName}`, feature: "", functionName };
  const last = (await readEvents(client, [group], { from: now - lookBack })).at(-1)?.time;
  return listedTick(tick, last, now);
}
