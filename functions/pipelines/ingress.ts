/** The handler of a pipeline's endpoint: accepts a message into the queue. */
import * as z from "zod";

import { createS3 } from "../shared/aws/clients/s3";
import { createSqs } from "../shared/aws/clients/sqs";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { ingressEnvironment } from "./contract";
import { createGate } from "./gate/gate";

const requestSchema = z.object({ text: z.string() });

/**
 * `POST /pipelines/<name>`: sends a message to the pipeline's queue and answers 202 once SQS has accepted it. A caller that retries
 * after a lost response sends a duplicate, which ingest ignores.
 */
export const handler = restHandler(ingressEnvironment, ({ environment, account, clock, logger }) => {
  const { PIPELINE_CONFIG: pipeline, PIPELINE_NAME: name, QUEUE_URL: queueUrl, SCHEMA_BUCKET: bucket } = environment;
  const schema = bucket === undefined ? {} : { schema: { s3: createS3(account), bucket } };
  const { POINTERS_SINCE: pointersSince } = environment;
  const accept = createGate({ name, pipeline, sqs: createSqs(), queueUrl, pointersSince, clock, ...schema });
  return {
    [`POST /pipelines/${name}`]: endpoint(requestSchema, async ({ text }) => {
      const accepted = await accept(text);
      logger.info("accepted", { pipeline: name, ...accepted });
      return { status: 202, body: accepted };
    }),
  };
});
