/** {@link AwsJson} whose calls go to the SDK's client, for tests that mock that client. */
import * as dynamodb from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";

import { AwsJsonError, type AwsJson } from "../../functions/shared/aws/aws-json";

const COMMANDS: Readonly<Record<string, new (input: never) => object>> = {
  BatchExecuteStatement: dynamodb.BatchExecuteStatementCommand,
  BatchGetItem: dynamodb.BatchGetItemCommand,
  BatchWriteItem: dynamodb.BatchWriteItemCommand,
  DeleteItem: dynamodb.DeleteItemCommand,
  GetItem: dynamodb.GetItemCommand,
  PutItem: dynamodb.PutItemCommand,
  Query: dynamodb.QueryCommand,
  UpdateItem: dynamodb.UpdateItemCommand,
};

const serviceErrorSchema = z.looseObject({
  name: z.string(),
  message: z.string(),
  $fault: z.string(),
  $metadata: z.looseObject({ httpStatusCode: z.number().default(400) }),
});

export function sdkJson(client: DynamoDBClient = new dynamodb.DynamoDBClient(), sqs = new SQSClient()): AwsJson {
  return {
    call: async (target, body) => {
      if (target === "AmazonSQS.SendMessageBatch")
        return JSON.stringify(await sqs.send(new SendMessageBatchCommand(JSON.parse(body) as never)));
      const Command = COMMANDS[target.split(".")[1] ?? ""];
      if (Command === undefined) throw new Error(`unknown target ${target}`);
      try {
        const command = new Command(JSON.parse(body) as never) as dynamodb.GetItemCommand;
        const response: unknown = await client.send(command);
        return JSON.stringify(response ?? {});
      } catch (error) {
        const known = serviceErrorSchema.safeParse(error).data;
        if (known === undefined) throw error;
        throw new AwsJsonError(known.name, known.message, known.$metadata.httpStatusCode, error);
      }
    },
    close: () => undefined,
  };
}
