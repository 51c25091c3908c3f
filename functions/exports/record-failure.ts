import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { truncate } from "../shared/text";
import { recordFailureEnvironment, recordFailureInputSchema } from "./contract";
import { exportIdOf } from "./run/claim";
import { accountOf } from "./run/executions";
import { stateTable } from "./storage/state-table";

/** Keeps the item small. */
const MAX_CAUSE_LENGTH = 2_000;

/** The run's files are lost, or it has none of its keys: resumed, it would fail again. */
const ABANDONING_ERRORS: ReadonlySet<string> = new Set(["ObjectExistsError", "UploadLostError"]);

/** Records why a run failed. The next execution resumes the run. */
export const handler = invocationHandler(
  recordFailureEnvironment,
  { input: recordFailureInputSchema },
  ({ environment, clock, logger, metrics }) => {
    const state = stateTable(createDynamoDB(), environment.STATE_TABLE, clock);
    return async ({ request, execution, error, cause }): Promise<{ readonly recorded: boolean }> => {
      const failure = {
        error,
        cause: truncate(cause, MAX_CAUSE_LENGTH),
        abandoned: ABANDONING_ERRORS.has(error),
      };
      logger.error("export failed", { export: request.export, ...failure });
      metrics.count("failedExports", 1);
      return { recorded: await state.fail(exportIdOf(request, accountOf(execution)), execution, failure) };
    };
  },
);
