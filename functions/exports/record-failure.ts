/** The handler of a run's last state when it has failed. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { accountOf } from "../shared/aws/arn";
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { truncate } from "../shared/text";
import {
  recordFailureEnvironment,
  recordFailureInputSchema,
  type Failure,
  type RecordFailureEnvironment,
  type RecordFailureInput,
} from "./contract";
import { exportIdOf } from "./run/claim";
import { MAX_CAUSE_LENGTH } from "./run/executions";
import type { StepServices } from "./run/step-services";
import { stateTable } from "./storage/state-table";

/** The run's files or checkpoints are lost, or of two tables, or other objects have its keys: resumed, it would fail again. */
const ABANDONING_ERRORS: ReadonlySet<string> = new Set([
  "FolderTakenError",
  "ObjectExistsError",
  "TableRecreatedError",
  "UnreadableRowError",
  "UploadLostError",
]);

/** Records why a run failed: of a segment at once, so that the others stop, and at the end. The next execution resumes the run. */
export const handler = invocationHandler(recordFailureEnvironment, { input: recordFailureInputSchema }, (services) =>
  recordFailureStep(services, createDynamoDB()),
);

/** The handler's work. */
export function recordFailureStep(
  { environment, clock, logger, metrics }: StepServices<RecordFailureEnvironment>,
  dynamodb: DynamoDBClient,
) {
  const state = stateTable(dynamodb, environment.STATE_TABLE, clock);
  return async ({ request, execution, error, cause }: RecordFailureInput): Promise<void> => {
    const failure: Failure = {
      status: "FAILED",
      error,
      cause: truncate(cause, MAX_CAUSE_LENGTH),
      abandoned: ABANDONING_ERRORS.has(error),
    };
    const recorded = await state.fail(exportIdOf(request, accountOf(execution)), execution, failure);
    if (recorded === "repeated") return;
    logger.error("export failed", { export: request.export, ...failure });
    metrics.count("failedExports", 1);
  };
}
