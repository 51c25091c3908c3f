/** Reads DynamoDB items. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";

/**
 * An item's attributes as JavaScript values. A number that a double does not hold is its text, which no schema takes for a number: where
 * the SDK throws, one item of another program would hide the others.
 */
export function valuesOf(item: Record<string, AttributeValue>): Record<string, unknown> {
  return unmarshall(item, { wrapNumbers: numberOf });
}

function numberOf(text: string): number | string {
  const value = Number(text);
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : text;
}
