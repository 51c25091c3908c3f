import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { CLIENT_SETTINGS } from "./settings";

export function createDynamoDB(): DynamoDBClient {
  return new DynamoDBClient({ ...CLIENT_SETTINGS });
}
