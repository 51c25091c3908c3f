/** A channel's table: a row for each key, its newest version. */
import type { AwsJson } from "../../shared/aws/aws-json";
import { errorName } from "../../shared/errors";
import type { Message } from "../message/message";
import { rowOf } from "./row";

/** Stores a message unless its row has the same version or a newer one. Returns whether it did. */
export function messageStore(dynamodb: AwsJson, TableName: string): (message: Message) => Promise<boolean> {
  return async (message) => {
    const request = {
      TableName,
      Item: rowOf(message),
      ConditionExpression: "attribute_not_exists(#key) OR #version < :version",
      ExpressionAttributeNames: { "#key": "key", "#version": "version" }, // reserved words
      ExpressionAttributeValues: { ":version": { N: message.version } },
    };
    try {
      await dynamodb.call("DynamoDB_20120810.PutItem", JSON.stringify(request));
      return true;
    } catch (error) {
      if (errorName(error) === "ConditionalCheckFailedException") return false;
      throw error;
    }
  };
}
