/** The handler of the queue of jobs: starts a run for each. */
import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { mapConcurrently } from "../shared/resilience/concurrency";
import { queueHandler, type MessageFailure, type QueueMessage } from "../shared/handlers/queue-handler";
import { JsonSyntaxError, parseInput, parseJson, SchemaError } from "../shared/input";
import { jobSchema, startJobsEnvironment, type Job } from "./contract";
import { findExport, readConfiguration } from "./run/configuration";
import { startExecution } from "./run/executions";

const CONCURRENT_STARTS = 5;

/** The message is not a job. It ends up in the dead-letter queue. */
export class MalformedJobError extends Error {
  override readonly name = "MalformedJobError";
}

/** Starts an execution for each message, named after the message's id: a redelivered message starts no second one. */
export const handler = queueHandler(startJobsEnvironment, ({ environment, account, logger }) => {
  const sfn = createSfn();
  const s3 = createS3(account);
  return async (batch) => {
    const configuration = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
    const start = async ({ id, body }: QueueMessage): Promise<readonly MessageFailure[]> => {
      try {
        const job = parseJob(body);
        const { name } = findExport(configuration, { export: "", job });
        await startExecution(sfn, environment.STATE_MACHINE_ARN, `job-${id}`, { export: name, force: false, job });
        logger.info("job started", { messageId: id, application: job.application, table: job.table_name });
        return [];
      } catch (error) {
        return [{ id, error }];
      }
    };
    return (await mapConcurrently(batch, CONCURRENT_STARTS, start)).flat();
  };
});

/** @throws {@link MalformedJobError} */
function parseJob(body: string): Job {
  try {
    return parseInput(jobSchema, parseJson(body));
  } catch (error) {
    if (!(error instanceof JsonSyntaxError || error instanceof SchemaError)) throw error;
    throw new MalformedJobError(`the message ${error.message}`);
  }
}
