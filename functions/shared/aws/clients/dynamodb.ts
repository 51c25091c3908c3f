/** The DynamoDB client of a function. */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

import { CLIENT_SETTINGS } from "./settings";

export function createDynamoDB(overrides: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({ ...CLIENT_SETTINGS, ...overrides });
}
