/** Makes a schedule's function: `export const handler = onSchedule(async ({ runId }, { logger }) => { ... });` */
import { randomUUID } from "node:crypto";

import type { Context } from "aws-lambda";

import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { ExpiringCache } from "../shared/resilience/expiring-cache";
import { invoke, onColdStart } from "../shared/handlers/services";
import { parseInput } from "../shared/input";
import type { Logger } from "../shared/telemetry/logger";
import { MINUTE_MS } from "../shared/time";
import { attemptSchema, runEnvironment, runIdOf, type Outcome } from "./contract";
import { runAttempt, type ScheduledRun } from "./run/run-attempt";
import { readSecret } from "./run/secret";
import { awsJsonCall } from "./storage/dynamo-call";
import { runsTable } from "./storage/runs-table";

export type { ScheduledRun } from "./run/run-attempt";

export interface RunTools {
  /** Each line has the run's id. */
  readonly logger: Logger;
  /** Aborts five seconds before the function's timeout. Pass it on: `fetch(url, { signal })`. */
  readonly signal: AbortSignal;
  /**
   * The value of one of the schedule's `secrets`, from SSM. Cached for five minutes.
   *
   * @throws an Error when the schedule has no such secret, or SSM's error
   */
  readonly secret: (name: string) => Promise<string>;
}

/**
 * @returns anything that is JSON, kept with the run up to 10 KB
 * @throws any error: the run fails, or is retried as its schedule says
 */
export type ScheduleHandler = (run: ScheduledRun, tools: RunTools) => unknown;

const SECRET_CACHE_MS = 5 * MINUTE_MS;

/**
 * Makes the Lambda handler of a schedule. The handler is called once for each attempt of a run, also when AWS delivers it twice. A run that
 * is killed (timeout, memory) is retried only if its schedule has `retries`.
 */
export function onSchedule(
  handler: ScheduleHandler,
): (event: unknown, context: Context) => Promise<{ readonly outcome: Outcome | "duplicate" }> {
  const start = onColdStart(runEnvironment, (services) => ({
    ...services,
    dynamodb: createAwsJsonClient({ service: "dynamodb", connections: 2 }),
    ssm: createAwsJsonClient({ service: "ssm", connections: 2 }),
    secrets: new ExpiringCache<string>(SECRET_CACHE_MS, services.clock),
  }));
  return (event, context) =>
    invoke(
      start,
      context,
      async ({ work: { environment, clock, logger, metrics, dynamodb, ssm, secrets } }, deadline) => {
        const attempt = parseInput(attemptSchema, event);
        logger.appendKeys({ runId: runIdOf(attempt), attempt: attempt.attempt });
        const log = { group: context.logGroupName, stream: context.logStreamName, requestId: context.awsRequestId };
        const end = await runAttempt(
          attempt,
          { owner: randomUUID(), deadline, log },
          {
            table: runsTable(awsJsonCall(dynamodb, deadline), environment.RUNS_TABLE),
            clock,
            call: (run, signal) =>
              handler(run, {
                logger,
                signal,
                secret: (name) => secrets.get(name, () => readSecret(name, environment.SECRETS ?? {}, ssm, deadline)),
              }),
            observer: {
              duplicate: () => {
                logger.info("duplicate");
              },
              began: (_, lateMs, isLate) => {
                if (isLate) metrics.count("late", 1);
                logger.info("began", { lateMs });
              },
              ended: (_, { outcome }, durationMs) => {
                metrics.count(outcome === "retrying" ? "retried" : outcome, 1);
                metrics.milliseconds("duration", durationMs);
                logger.info("ended", { outcome, durationMs });
              },
              failed: (error) => {
                logger.error("the handler failed", { error });
              },
              tooLate: () => {
                logger.warn("ended after the keeper had given it up");
              },
            },
          },
        );
        return { outcome: end?.outcome ?? "duplicate" };
      },
    );
}
