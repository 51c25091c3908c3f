/** The handler that checks the targets of an environment, on its schedule. */
import { randomBytes } from "node:crypto";

import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { SSMClient } from "@aws-sdk/client-ssm";

import type { AwsJson } from "../shared/aws/aws-json";
import { createAwsJsonClient } from "../shared/aws/clients/aws-json";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createLambda } from "../shared/aws/clients/lambda";
import { createS3 } from "../shared/aws/clients/s3";
import { createSns } from "../shared/aws/clients/sns";
import { createSsm } from "../shared/aws/clients/ssm";
import type { ParsedEnvironment } from "../shared/environment";
import { undiciTransport } from "../shared/aws/undici-transport";
import { scheduledHandler, type ScheduledEvent } from "../shared/handlers/scheduled-handler";
import type { Services } from "../shared/handlers/services";
import type { Logger } from "../shared/telemetry/logger";
import { SECOND_MS } from "../shared/time";
import { checkEnvironment } from "./contract";
import { readConfiguration } from "./monitors/configuration";
import type { SetAsideItem } from "./monitors/policy";
import { CONCURRENT_WRITES } from "./monitors/apply-results";
import { processCheckResults } from "./monitors/process-check-results";
import { stateTable } from "./monitors/state-table";
import { notificationSender } from "./notifications/deliver";
import { createNotifiers } from "./notifications/notifiers";
import { canaryByConnection, checkNetwork } from "./probe/canaries";
import { checkTargets } from "./probe/check-targets";
import { systemLookup } from "./probe/dns";
import { startLagMeter } from "./probe/event-loop-lag";
import { httpClient } from "./probe/http-client";
import { secretReader } from "./probe/secret-reader";
import { reportCheckMetrics } from "./telemetry/check-metrics";
import { telemetryRow } from "./telemetry/rows";
import { telemetryTable } from "./telemetry/table";

/** Reserved before Lambda's timeout, to report what was not saved. */
const REPORTING_MS = SECOND_MS;

/** Rows and states. */
const WRITES = {
  service: "dynamodb",
  connections: 2 * CONCURRENT_WRITES,
  transport: undiciTransport,
  timeoutMs: 20 * SECOND_MS,
} as const;

/**
 * Checks all targets concurrently, saves one telemetry row each, updates states and incidents, and notifies.
 *
 * Safe under at-least-once delivery: a row's key (time, target, run) is unique, so a duplicate or retried tick adds rows and
 * overwrites none; in a monitor's state each tick counts once.
 */
export const handler = scheduledHandler(checkEnvironment, (services) => {
  const { environment, account, clock, logger } = services;
  const [s3, ssm, lambda] = [createS3(account), createSsm(), createLambda()];
  const ports = { clock, random: Math.random, json: createAwsJsonClient(WRITES) };
  const telemetry = telemetryTable(ports.json, environment.TELEMETRY_TABLE, ports);
  const readSecret = secretReader(ssm, environment.SECRET_CACHE_SECONDS ?? 0, clock);
  const lookup = systemLookup();
  const probe = { send: httpClient(lookup), clock, readSecret };
  const processing = processingPorts(services, ports, ssm);

  return async ({ event, scheduledAt, deadline }) => {
    const start = clock.elapsed();
    const run = { id: randomBytes(4).toString("hex"), tick: scheduledAt };
    const configuration = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
    reportSetAside(configuration.setAside ?? [], services);
    const lag = startLagMeter();
    const memoryMb = environment.MEMORY_MB;
    const raw = await checkTargets(configuration.targets, memoryMb, { ...probe, lag: lag.read });
    lag.stop();
    const judged = await checkNetwork(raw, configuration.targets, configuration.canaries, canaryByConnection(lookup));
    const { results } = judged;
    reportCheckMetrics(results, clock.elapsed() - start, services);
    const telemetryRun = { id: run.id, event, telemetryDays: environment.TELEMETRY_DAYS };
    const rows = results.map((result) => telemetryRow(result, telemetryRun));
    const checked = { configuration, ...judged, run, deadline: deadline - REPORTING_MS };
    let published: Promise<void> | undefined;
    const publish = () => (published ??= invokeAsync(lambda, environment.PUBLISH_FUNCTION, event));
    const outcomes = await Promise.allSettled([
      processCheckResults(checked, { ...processing, publish }),
      telemetry.save(rows, checked.deadline),
    ]);
    // Published even after a failed run: the page shows missing data.
    const [last] = await Promise.allSettled([publish()]);
    throwFirstFailure([...outcomes, last], logger);
  };
});

/** Of {@link processCheckResults}, without what each run has of its own. */
function processingPorts(
  { environment, app, environmentName, clock, logger, metrics }: Services<ParsedEnvironment<typeof checkEnvironment>>,
  ports: Parameters<typeof stateTable>[2] & { readonly json: AwsJson },
  ssm: SSMClient,
) {
  const table = stateTable(createDynamoDB(), environment.STATE_TABLE, ports);
  const { STATUS_PAGE_URL: pageUrl, RUNBOOK_URL: runbookUrl } = environment;
  const notify = notificationSender(
    { source: `${app} ${environmentName}`, pageUrl, runbookUrl },
    {
      notifiers: createNotifiers(environment, { sns: createSns(), ssm, clock }),
      table,
      clock,
      onFailure: (notifier, { id }, error) => {
        logger.error("notification not sent", { notifier, notification: id, error });
        metrics.count("failedNotifications", 1);
      },
    },
  );
  const onUnreadable = (monitor: string, error: Error): void => {
    logger.error("stored state is unreadable", { monitor, error });
    metrics.count("brokenChecks", 1);
  };
  return { ...ports, table, notify, onUnreadable, intervalMinutes: environment.INTERVAL_MINUTES };
}

function reportSetAside(
  items: readonly SetAsideItem[],
  { logger, metrics }: Pick<Services<unknown>, "logger" | "metrics">,
): void {
  for (const { name, problem } of items) logger.error("malformed, and not checked", { monitor: name, problem });
  if (items.length > 0) metrics.count("brokenChecks", items.length);
}

async function invokeAsync(lambda: LambdaClient, functionName: string, event: ScheduledEvent): Promise<void> {
  const Payload = Buffer.from(JSON.stringify(event));
  await lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: "Event", Payload }));
}

const isRejected = (outcome: PromiseSettledResult<void>) => outcome.status === "rejected";

function throwFirstFailure(outcomes: readonly PromiseSettledResult<void>[], logger: Logger): void {
  const [first, ...others] = outcomes.filter(isRejected);
  for (const { reason } of others) logger.error("another step failed", { error: reason as unknown });
  if (first) throw first.reason;
}
