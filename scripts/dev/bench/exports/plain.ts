/**
 * A process of its own: an export as one first writes it. `unmarshall` is what the document client does with each answer; the
 * whole table is an array, the array a string, the string an object.
 */
import { DynamoDBClient, ScanCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { unmarshall } from "@aws-sdk/util-dynamodb";

import { measure } from "./measure";
import { BUCKET, keyOf, TABLE } from "./messages";

measure(async (task) => {
  const dynamodb = new DynamoDBClient({});
  const s3 = new S3Client({ forcePathStyle: true });
  const items: Record<string, unknown>[] = [];
  let after: Record<string, AttributeValue> | undefined = { id: { S: keyOf(task, 0) } };
  while (after !== undefined) {
    const command: ScanCommand = new ScanCommand({ TableName: TABLE, ExclusiveStartKey: after });
    const page = await dynamodb.send(command);
    for (const item of page.Items ?? []) items.push(unmarshall(item));
    after = page.LastEvaluatedKey;
  }
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: "export.json", Body: JSON.stringify(items, jsonOf) }));
  return items.length;
});

/** Sets have no JSON of their own. */
function jsonOf(_key: string, value: unknown): unknown {
  return value instanceof Set ? [...(value as Set<unknown>)] : value;
}
