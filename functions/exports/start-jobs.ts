import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { mapConcurrently } from "../shared/concurrency";
import { describeIssues } from "../shared/errors";
import { queueHandler, type MessageFailure, type QueueMessage } from "../shared/handlers/queue-handler";
import { exportOf, readConfiguration } from "./run/configuration";
import { jobSchema, startEnvironment, type Job } from "./contract";
import { startExecution } from "./run/executions";

const STARTS_AT_A_TIME = 5;

/** A message is no job, and never will be one: it ends among the dead letters. */
export class MalformedJobError extends Error {
  override readonly name = "MalformedJobError";
}

/**
 * The door for jobs: each message starts an execution of its own, and fails alone. The execution is named after the message, so one
 * that comes twice is one execution.
 */
export const handler = queueHandler(startEnvironment, ({ environment, logger }) => {
  const sfn = createSfn();
  const s3 = createS3();
  return async (batch) => {
    const configuration = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
    const take = async ({ id, body }: QueueMessage): Promise<readonly MessageFailure[]> => {
      try {
        const job = parseJob(body);
        const { name } = exportOf(configuration, { export: "", job });
        await startExecution(sfn, environment.MACHINE, `job-${id}`, { export: name, force: false, job });
        logger.info("job taken", { messageId: id, application: job.application, table: job.table_name });
        return [];
      } catch (error) {
        return [{ id, error }];
      }
    };
    return (await mapConcurrently(batch, STARTS_AT_A_TIME, take)).flat();
  };
});

/** @throws {@link MalformedJobError} */
function parseJob(body: string): Job {
  const parsed = jobSchema.safeParse(parsedJson(body));
  if (parsed.success) return parsed.data;
  throw new MalformedJobError(describeIssues(parsed.error), { cause: parsed.error });
}

function parsedJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new MalformedJobError("the message is no JSON", { cause });
  }
}
