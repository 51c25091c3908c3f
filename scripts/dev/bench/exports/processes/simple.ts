/**
 * A process with the simple implementation of an export: `unmarshall`, as the document client does, the whole table in one array, and
 * one `JSON.stringify`.
 */
import { DynamoDBClient, ScanCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { unmarshall } from "@aws-sdk/util-dynamodb";

import { measure } from "../measure";
import { BUCKET, jsonOfSets, keyOf, TABLE } from "../messages";

measure(
  () => ({ dynamodb: new DynamoDBClient({}), s3: new S3Client({ forcePathStyle: true }) }),
  async (task, { dynamodb, s3 }) => {
    const items: Record<string, unknown>[] = [];
    let after: Record<string, AttributeValue> | undefined = { id: { S: keyOf(task, 0) } };
    while (after !== undefined) {
      const command: ScanCommand = new ScanCommand({ TableName: TABLE, ExclusiveStartKey: after });
      const page = await dynamodb.send(command);
      for (const item of page.Items ?? []) items.push(unmarshall(item));
      after = page.LastEvaluatedKey;
    }
    await s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: "export.json", Body: JSON.stringify(items, jsonOfSets) }),
    );
    return { exported: items.length };
  },
);
