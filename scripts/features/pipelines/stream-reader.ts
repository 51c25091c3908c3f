/** Reads changes from a table's stream again: it has them for 24 hours. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type DynamoDBStreamsClient,
  type _Record,
} from "@aws-sdk/client-dynamodb-streams";
import type { LostChanges } from "./redrive";

/** A stream may answer with nothing though there is more to come. An open one always does at its end. */
const EMPTY_PAGES = 20;

/** The stream does not have all of the changes. */
export class ChangesGoneError extends Error {
  override readonly name = "ChangesGoneError";
}

/**
 * The changes from one sequence number to another, both included.
 *
 * @throws {@link ChangesGoneError}, and DynamoDB's TrimmedDataAccessException when they are older than 24 hours
 */
export async function readChanges(streams: DynamoDBStreamsClient, lost: LostChanges): Promise<readonly _Record[]> {
  const { streamArn: StreamArn, shardId: ShardId, startSequenceNumber, endSequenceNumber } = lost;
  const first = await streams.send(
    new GetShardIteratorCommand({
      StreamArn,
      ShardId,
      ShardIteratorType: "AT_SEQUENCE_NUMBER",
      SequenceNumber: startSequenceNumber,
    }),
  );
  const last = BigInt(endSequenceNumber);
  const found: _Record[] = [];
  let iterator = first.ShardIterator;
  for (let empty = 0; iterator !== undefined && empty < EMPTY_PAGES;) {
    const { Records = [], NextShardIterator } = await streams.send(new GetRecordsCommand({ ShardIterator: iterator }));
    found.push(...Records.filter((record) => numberOf(record) <= last));
    if (Records.some((record) => numberOf(record) >= last)) return found;
    empty = Records.length === 0 ? empty + 1 : 0;
    iterator = NextShardIterator;
  }
  throw new ChangesGoneError(`${ShardId} ends before ${endSequenceNumber}`);
}

function numberOf({ dynamodb }: _Record): bigint {
  return BigInt(dynamodb?.SequenceNumber ?? 0);
}
