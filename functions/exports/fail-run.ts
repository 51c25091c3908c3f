import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { subjectOf } from "./run/claim";
import { failCallSchema, failEnvironment } from "./contract";
import { stateTable } from "./storage/state-table";

/** What a record has room for. */
const CAUSE_CHARACTERS = 2_000;

/** Writes into a run's record why it was given up. The next one resumes it. */
export const handler = invocationHandler(
  failEnvironment,
  { input: failCallSchema },
  ({ environment, clock, logger, metrics }) => {
    const state = stateTable(createDynamoDB(), environment.STATE_TABLE, clock);
    return async ({ request, execution, error, cause }): Promise<{ readonly recorded: boolean }> => {
      const failure = { error, cause: cause.slice(0, CAUSE_CHARACTERS) };
      logger.error("export failed", { export: request.export, ...failure });
      metrics.count("failedExports", 1);
      return { recorded: await state.fail(subjectOf(request), execution, failure) };
    };
  },
);
