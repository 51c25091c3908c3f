/** The handler that records the end of executions that did not record it themselves. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { errorMessage } from "../shared/errors";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { EXPORT_DIMENSION, reconcileEnvironment, type ReconcileEnvironment } from "./contract";
import { readConfiguration } from "./run/configuration";
import { endOf } from "./run/executions";
import { recordEnds, type ReconcilePorts } from "./run/reconciler";
import { isLate, scheduleKey } from "./run/schedule";
import type { StepServices } from "./run/step-services";
import { stateTable } from "./storage/state-table";

/** The event of the end of an execution, or of a schedule. */
const eventSchema = z.looseObject({ detail: z.looseObject({ executionArn: z.string().optional() }).optional() });

/** Some records were not compared, or schedules not checked. The next call retries them. */
export class ReconciliationError extends Error {
  override readonly name = "ReconciliationError";
}

/**
 * Records the ends of executions that did not record them themselves: they were stopped, or timed out. At each event of such an end, and
 * regularly, because events are lost. Then checks which exports are late.
 */
export const handler = invocationHandler(reconcileEnvironment, { input: eventSchema }, (services) =>
  reconcileStep(services, { dynamodb: createDynamoDB(), s3: createS3(services.account), sfn: createSfn() }),
);

interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
}

/** The handler's work. */
export function reconcileStep(
  {
    environment,
    clock,
    logger,
    metrics,
  }: StepServices<Pick<ReconcileEnvironment, "STATE_TABLE" | "CONFIGURATION_BUCKET">>,
  { dynamodb, s3, sfn }: Clients,
) {
  const state = stateTable(dynamodb, environment.STATE_TABLE, clock);
  const ports: ReconcilePorts = { ...state, endOf: (execution) => endOf(sfn, execution), now: () => clock.now() };

  /** One export that fails does not stop the others. Returns the failures. */
  const checkLateness = async (): Promise<readonly string[]> => {
    const { tables } = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
    const failures: string[] = [];
    for (const { name, schedule } of tables) {
      if (schedule === undefined) continue;
      try {
        const until = await state.scheduledUntil(name, scheduleKey(schedule));
        const late = isLate(schedule, until, clock.now());
        metrics.countBy({ name: EXPORT_DIMENSION, value: name }, "lateExports", Number(late));
      } catch (error) {
        failures.push(`${name}: whether it is late is not known: ${errorMessage(error)}`);
      }
    }
    return failures;
  };

  return async ({ detail }: z.output<typeof eventSchema>): Promise<void> => {
    const { recorded, failures: unrecorded } = await recordEnds(ports, detail?.executionArn);
    // CloudWatch charges a metric for each hour in which it is sent.
    if (recorded.length > 0) metrics.count("failedExports", recorded.length);
    logger.info("reconciled", { recorded });
    const unchecked = detail?.executionArn === undefined ? await checkLateness() : [];
    const failures = [...unrecorded, ...unchecked];
    if (failures.length > 0) throw new ReconciliationError(failures.slice(0, 5).join("; "));
  };
}
