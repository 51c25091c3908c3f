/**
 * A process with the best plain implementation of an export: `unmarshall` and `JSON.stringify` of each item, the next page read meanwhile,
 * lines uploaded in chunks, so that its memory is bounded.
 */
import { DynamoDBClient, ScanCommand, type AttributeValue, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  S3Client,
  UploadPartCommand,
  type CompletedPart,
} from "@aws-sdk/client-s3";
import { unmarshall } from "@aws-sdk/util-dynamodb";

import { measure } from "../measure";
import { BUCKET, jsonOfSets, keyOf, TABLE } from "../messages";

const CHUNK_BYTES = 8 * 1_048_576;

const OBJECT = { Bucket: BUCKET, Key: "export.ndjson" };

measure(
  () => ({ dynamodb: new DynamoDBClient({}), s3: new S3Client({ forcePathStyle: true }) }),
  async (task, { dynamodb, s3 }) => {
    const read = (after: Record<string, AttributeValue>): Promise<ScanCommandOutput> =>
      dynamodb.send(new ScanCommand({ TableName: TABLE, ExclusiveStartKey: after }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(OBJECT));
    const parts: Promise<CompletedPart>[] = [];
    let lines: Buffer[] = [];
    let bytes = 0;
    const upload = async (): Promise<void> => {
      const PartNumber = parts.length + 1;
      const Body = Buffer.concat(lines);
      [lines, bytes] = [[], 0];
      const sent = s3.send(new UploadPartCommand({ ...OBJECT, UploadId, PartNumber, Body }));
      parts.push(sent.then(({ ETag }) => ({ ETag, PartNumber })));
      await parts.at(-2);
    };

    let items = 0;
    let next: Promise<ScanCommandOutput> | undefined = read({ id: { S: keyOf(task, 0) } });
    while (next !== undefined) {
      const { Items = [], LastEvaluatedKey }: ScanCommandOutput = await next;
      next = LastEvaluatedKey && read(LastEvaluatedKey);
      items += Items.length;
      const page = Buffer.from(Items.map((item) => `${JSON.stringify(unmarshall(item), jsonOfSets)}\n`).join(""));
      lines.push(page);
      bytes += page.length;
      if (bytes >= CHUNK_BYTES) await upload();
    }
    await upload();
    const MultipartUpload = { Parts: await Promise.all(parts) };
    await s3.send(new CompleteMultipartUploadCommand({ ...OBJECT, UploadId, MultipartUpload }));
    return { exported: items };
  },
);
