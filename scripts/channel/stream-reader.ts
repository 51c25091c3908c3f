/** Reads changes from a table's stream again: it has them for 24 hours. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type DynamoDBStreamsClient,
  type _Record,
} from "@aws-sdk/client-dynamodb-streams";
import type { LostChanges } from "./redrive";

/** The changes from one sequence number to another. Throws DynamoDB's TrimmedDataAccessException when they are gone. */
export async function readChanges(streams: DynamoDBStreamsClient, lost: LostChanges): Promise<readonly _Record[]> {
  const { streamArn: StreamArn, shardId: ShardId, startSequenceNumber, endSequenceNumber } = lost;
  let { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({
      StreamArn,
      ShardId,
      ShardIteratorType: "AT_SEQUENCE_NUMBER",
      SequenceNumber: startSequenceNumber,
    }),
  );
  const found: _Record[] = [];
  const last = BigInt(endSequenceNumber);
  const isBeyond = ({ dynamodb }: _Record) => BigInt(dynamodb?.SequenceNumber ?? 0) > last;
  while (ShardIterator !== undefined) {
    const page = await streams.send(new GetRecordsCommand({ ShardIterator }));
    const records = page.Records ?? [];
    found.push(...records.filter((record) => !isBeyond(record)));
    const end = records.at(-1);
    if (end === undefined || BigInt(end.dynamodb?.SequenceNumber ?? 0) >= last) break;
    ShardIterator = page.NextShardIterator;
  }
  return found;
}
