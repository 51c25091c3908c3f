import { randomBytes } from "node:crypto";

import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createLambda } from "../shared/aws/clients/lambda";
import { createS3 } from "../shared/aws/clients/s3";
import { createSns } from "../shared/aws/clients/sns";
import { createSsm } from "../shared/aws/clients/ssm";
import { mapConcurrently } from "../shared/concurrency";
import { scheduledHandler, type ScheduledEvent } from "../shared/handlers/scheduled-handler";
import { slackPost } from "../shared/slack";
import { aftermath, type AftermathPorts } from "./process-check-results";
import { slackChannel, topicChannel } from "./notifications/notifiers";
import { checkTarget } from "./probe/check-target";
import { MAX_CONCURRENT_CHECKS, checkEnvironment } from "./contract";
import { httpClient } from "./probe/http-client";
import { systemLookUp } from "./probe/dns";
import { report } from "./telemetry/check-metrics";
import { secretReader } from "./probe/secret-reader";
import { stateTable } from "./monitors/state-table";
import { readTargetList, readWatch } from "./monitors/configuration";
import { telemetryRow } from "./telemetry/rows";
import { telemetryTable } from "./telemetry/table";

/** Time kept back from Lambda's own limit, so that what is left undone is still reported. */
const CLOSING_MS = 1_000;

/**
 * Checks every target, side by side, saves one row each, and makes the round count in states, incidents and roll-ups.
 *
 * Safe under at-least-once delivery: each row is one observation under a key of its own (time, target, run), so a tick that
 * comes twice, or is retried after some rows were saved, adds observations and never overwrites one; and in a target's state
 * each tick counts once.
 */
export const handler = scheduledHandler(checkEnvironment, (services) => {
  const { environment, clock, logger, metrics } = services;
  const s3 = createS3();
  const dynamodb = createDynamoDB();
  const random = Math.random;
  const telemetry = telemetryTable(dynamodb, environment.HEARTBEATS_TABLE, { clock, random });
  const table = stateTable(dynamodb, environment.STATE_TABLE, { clock, random });
  const lambda = createLambda();
  const slack = environment.SLACK_WEBHOOK_PARAMETER;
  const ssm = createSsm();
  const readSecret = secretReader(ssm, environment.SECRETS_KEPT_SECONDS ?? 0, clock);
  const checking = { send: httpClient(systemLookUp()), clock, readSecret };
  const following: AftermathPorts = {
    app: services.app,
    environment: services.environmentName,
    intervalMinutes: environment.INTERVAL_MINUTES,
    table,
    channels: [
      topicChannel(createSns(), environment.NOTIFICATION_TOPIC),
      ...(slack === undefined ? [] : [slackChannel(slackPost(ssm), slack)]),
    ],
    clock,
    random,
    onFailure: (channel, { id }, error) => {
      logger.error("notification not sent", { channel, notification: id, error });
      metrics.count("failedNotifications", 1);
    },
  };

  return async ({ event, scheduledAt, deadline }) => {
    const start = clock.elapsed();
    const run = { id: randomBytes(4).toString("hex"), event, telemetryDays: environment.TELEMETRY_DAYS };
    const [targets, watch] = await Promise.all([
      readTargetList(s3, environment.TARGETS_BUCKET),
      readWatch(s3, environment.TARGETS_BUCKET),
    ]);
    const observations = await mapConcurrently(targets, MAX_CONCURRENT_CHECKS, (target) =>
      checkTarget(target, checking),
    );
    report(observations, clock.elapsed() - start, { logger, metrics });
    const rows = observations.map((observation) => telemetryRow(observation, run));
    const round = { tick: scheduledAt, run: run.id };
    const saved = telemetry.save(rows, deadline - CLOSING_MS);
    const followed = aftermath({ targets, watch, observations, round, deadline: deadline - CLOSING_MS }, following);
    // None stops the others, and even of a round that failed the page shall tell: it says of itself what is missing.
    const failures = [
      ...(await Promise.all([saved, followed].map(failureIn))),
      await failureIn(handOn(lambda, environment.PUBLISH_FUNCTION, event)),
    ].filter((failure) => failure !== undefined);
    const [first, ...others] = failures;
    for (const { error } of others) logger.error("failed as well", { error });
    if (first) throw first.error;
  };
});

/** Invokes a function with the same tick, without waiting for it: it has retries and a dead-letter path of its own. */
async function handOn(lambda: LambdaClient, functionName: string, event: ScheduledEvent): Promise<void> {
  const Payload = Buffer.from(JSON.stringify(event));
  await lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: "Event", Payload }));
}

function failureIn(work: Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
}
