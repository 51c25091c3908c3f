/** A pipeline's table: the newest version of each key. */
import type { AwsJson } from "../../shared/aws/aws-json";
import { errorName } from "../../shared/errors";
import type { Message } from "../message/message";
import { rowOf, type RowOptions } from "./row";

/**
 * {@link compareVersions} as a condition. Rows that were written by hand have no version. After a change of the pipeline's `version`, the
 * rows have versions that do not compare: the number of a revision is less than any time of receipt, and would never replace it. Then the
 * message of the later configuration is newer, whatever function writes it: during the deployment, those of both run.
 */
const IS_NEWER = [
  "attribute_not_exists(#order)",
  "(#source = :source AND #order < :order)",
  "(#source = :source AND #order = :order AND #digest < :digest)",
  "(#source <> :source AND attribute_not_exists(#since))",
  "(#source <> :source AND #since < :since)",
].join(" OR ");

/** Writes a message's row unless the row has the same or a newer version. Returns true when it was written. */
export function messageWriter(
  dynamodb: AwsJson,
  TableName: string,
): (message: Message, options?: RowOptions) => Promise<boolean> {
  return async (message, options) => {
    const request = {
      TableName,
      Item: rowOf(message, options),
      ConditionExpression: IS_NEWER,
      ExpressionAttributeNames: {
        "#order": "versionOrder",
        "#source": "versionSource",
        "#since": "versionSince",
        "#digest": "digest",
      },
      ExpressionAttributeValues: {
        ":order": { S: message.versionOrder },
        ":source": { S: message.versionSource },
        ":since": { S: message.versionSince },
        ":digest": { S: message.digest },
      },
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
