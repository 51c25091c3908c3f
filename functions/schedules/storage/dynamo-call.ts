/** DynamoDB for {@link runsTable}, with the small client of functions. */
import type { AwsJson } from "../../shared/aws/aws-json";
import { parseJson } from "../../shared/input";
import type { DynamoCall } from "./runs-table";

/** @param deadline epoch milliseconds: calls settle by then */
export function awsJsonCall(dynamodb: AwsJson, deadline: number): DynamoCall {
  return async (action, input) =>
    parseJson(await dynamodb.call(`DynamoDB_20120810.${action}`, JSON.stringify(input, withSets), deadline));
}

/** `marshall` keeps sets as Set. */
function withSets(_: string, value: unknown): unknown {
  return value instanceof Set ? [...value] : value;
}
