/** The console's view of a pipeline's dead letters. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";

import { readPipeline } from "../../../scripts/console/readers/pipelines";
import type { Environment } from "../../../scripts/console/readers/source";
import { visibleLines } from "../../../functions/shared/text";

const sqs = mockClient(SQSClient);
const dynamodb = mockClient(DynamoDBClient);

const orders = {
  ...{ endpoint: "https://orders", queue_url: "queue", dead_letter_queue_url: "dead", table_name: "orders" },
  ...{ notify_function_name: "notify", slack_parameter: "", webhook_url: "" },
};
const environment: Environment = {
  ...{
    name: "local",
    app: "almanac",
    resources: [],
    state: { outputs: {}, resources: [] },
    aws: { region: "eu-central-1" },
  },
  features: { pipelines: { pipelines: { orders }, archive_bucket_name: "archive" } },
  dynamodb: new DynamoDBClient({}),
  logs: new CloudWatchLogsClient({}),
  s3: new S3Client({}),
  sfn: new SFNClient({}),
  sqs: new SQSClient({}),
};

/** The bodies of dead letters, as the console shows them. */
async function shown(...bodies: readonly string[]): Promise<readonly string[]> {
  sqs.on(GetQueueAttributesCommand).resolves({});
  dynamodb.on(QueryCommand).resolves({});
  const letters = bodies.map((Body, index) => ({
    ...{ MessageId: `m-${index}`, ReceiptHandle: String(index), Body },
    Attributes: { SentTimestamp: String(1_795_248_000_000 + index) },
  }));
  sqs.on(ReceiveMessageCommand).resolvesOnce({ Messages: letters }).resolves({});
  const source = { environment: () => Promise.resolve(environment), now: () => 1_795_248_000_000 };
  const tail = { read: () => Promise.resolve([]) };
  const { deadLetters = [] } = await readPipeline(source, tail, { name: "orders", tab: "dead" });
  return deadLetters.map(({ body }) => visibleLines(body));
}

it("a dead letter is shown as JSON of the same value: an edited message begins with it", async () => {
  const value = { name: "M\u00adll\ufeff", "\u202e": 'a\u200b "b" \u0007' };
  const json = JSON.stringify(value, undefined, 2).replaceAll("\n", "\r\n");
  const [first = "", second] = await shown(json, "{ poison\u202e");
  expect(JSON.parse(first)).toEqual(value);
  expect(second).toBe("{ poison\ufffd");
});
