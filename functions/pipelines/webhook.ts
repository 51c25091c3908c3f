/** The handler of a pipeline's webhook, for senders that sign with a secret of their own. */
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { createSqs } from "../shared/aws/clients/sqs";
import { createSsm } from "../shared/aws/clients/ssm";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { webhookEnvironment } from "./contract";
import { challengeOf } from "./gate/challenge";
import { deliveriesTable } from "./gate/deliveries";
import { createGate } from "./gate/gate";
import { secretReader } from "./gate/secrets";
import { verifyOrReject } from "./gate/verify";

const requestSchema = z.object({ text: z.string(), headers: z.record(z.string(), z.string()) });

/**
 * `POST /webhooks/<name>`: like the ingress function, for senders that sign with a secret of their own instead of AWS credentials. A
 * delivery that was accepted before is answered alike, and changes nothing.
 */
export const handler = restHandler(webhookEnvironment, ({ environment, account, clock, logger }) => {
  const { PIPELINE_CONFIG: pipeline, PIPELINE_NAME: name, QUEUE_URL: queueUrl, SCHEMA_BUCKET: bucket } = environment;
  const schema = bucket === undefined ? {} : { schema: { s3: createS3(account), bucket } };
  const { POINTERS_SINCE: pointersSince } = environment;
  const accept = createGate({ name, pipeline, sqs: createSqs(), queueUrl, pointersSince, clock, ...schema });
  const readSecrets = secretReader(createSsm(), environment.WEBHOOK_SECRET, clock);
  const deliveries = deliveriesTable(createDynamoDB(), environment.DELIVERIES_TABLE);
  return {
    [`POST /webhooks/${name}`]: endpoint(requestSchema, async ({ text: body, headers }) => {
      const secrets = await readSecrets();
      const delivery = verifyOrReject({ headers, body }, pipeline.webhook?.verify, secrets, clock.now());
      const challenge = challengeOf(body, pipeline.webhook?.verify);
      if (challenge !== undefined) return { status: 200, body: { challenge } };
      if (await deliveries.has(name, delivery)) return { status: 202, body: { repeated: true } };
      const accepted = await accept(body);
      await deliveries.add(name, delivery, clock.now());
      logger.info("accepted", { pipeline: name, ...accepted });
      return { status: 202, body: accepted };
    }),
  };
});
