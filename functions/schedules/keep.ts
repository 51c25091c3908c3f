/** The handler of the keeper, each minute. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand } from "@aws-sdk/client-s3";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createLambda } from "../shared/aws/clients/lambda";
import { createS3 } from "../shared/aws/clients/s3";
import { scheduledHandler } from "../shared/handlers/scheduled-handler";
import { SECOND_MS } from "../shared/time";
import {
  CONFIGURATION_KEY,
  functionName,
  keepEnvironment,
  readSchedules,
  runIdOf,
  type ReadSchedules,
} from "./contract";
import { keepSchedules, type KeeperPorts } from "./keeper/keep-schedules";
import { awsJsonCall } from "./storage/dynamo-call";
import { monitorsTable } from "./storage/monitors-table";
import { runsTable } from "./storage/runs-table";

/** Some schedules could not be kept. Each failure is in the log. */
export class KeepError extends Error {
  override readonly name = "KeepError";
}

const CONNECTIONS = 32;

/** Of the timeout, for the calls of a last pass. */
const RESERVE_MS = 10 * SECOND_MS;

/** Starts due runs, finds missed and lost ones. It looks at the clock only: late, doubled and missing ticks are harmless. */
export const handler = scheduledHandler(keepEnvironment, ({ environment, account, clock, logger, metrics }) => {
  const lambda = createLambda();
  const dynamodb = createAwsJsonClient({ service: "dynamodb", connections: CONNECTIONS });
  let schedules: ReadSchedules | undefined;

  return async ({ deadline }) => {
    schedules ??= await readConfiguration(environment.CONFIGURATION_BUCKET, account);
    const call = awsJsonCall(dynamodb, deadline);
    const { HEARTBEATS_TABLE } = environment;
    const ports: KeeperPorts = {
      table: runsTable(call, environment.RUNS_TABLE),
      monitors: HEARTBEATS_TABLE === undefined ? undefined : monitorsTable(call, HEARTBEATS_TABLE),
      clock,
      invoke: async (attempt) => {
        const FunctionName = functionName(environment.FUNCTION_PREFIX, attempt.schedule);
        await lambda.send(
          new InvokeCommand({ FunctionName, InvocationType: "Event", Payload: JSON.stringify(attempt) }),
        );
      },
      observer: {
        created: (run) => {
          if (run.outcome === "missed") metrics.count("missed", 1);
          if (run.outcome !== "queued") logger.warn(run.outcome, { runId: runIdOf(run), reason: run.reason });
        },
        lost: (run, reason, outcome) => {
          metrics.count(outcome === "failed" ? "failed" : "retried", 1);
          logger.error("attempt lost", { runId: runIdOf(run), attempt: run.attempt, outcome, reason });
        },
        invoked: (run) => {
          logger.info("invoked", { runId: runIdOf(run), attempt: run.attempt });
        },
        failed: (schedule, error) => {
          logger.error("schedule failed", { schedule, error });
        },
      },
    };
    const failures = await keepSchedules(schedules, ports, deadline - RESERVE_MS);
    if (failures > 0) throw new KeepError(`${failures} of the schedules failed: see the log`);
  };
});

async function readConfiguration(Bucket: string, account: string): Promise<ReadSchedules> {
  const { Body } = await createS3(account).send(new GetObjectCommand({ Bucket, Key: CONFIGURATION_KEY }));
  return readSchedules((await Body?.transformToString()) ?? "");
}
