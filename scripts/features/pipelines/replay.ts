/** Sends a time range of the archive through a pipeline again. */
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { hourPrefix, readArchiveObject, type ArchivedMessage } from "../../../functions/pipelines/storage/archive";
import { MESSAGE_ATTRIBUTES } from "../../../functions/pipelines/contract";
import { mapConcurrently } from "../../../functions/shared/concurrency";
import { HOUR_MS } from "../../../functions/shared/time";
import type { Outgoing } from "./queue-sender";

const CONCURRENT_READS = 8;

export interface ReplayRange {
  /** Epoch milliseconds; when messages were received, this included. */
  readonly from: number;
  /** This excluded. */
  readonly to: number;
}

export interface Replaying extends ReplayRange {
  /** The pipeline's name. */
  readonly name: string;
  readonly s3: S3Client;
  readonly bucket: string;
  /** True: it goes back to where the archive is, which need not keep it a second time. */
  readonly sameEnvironment: boolean;
  readonly send: (messages: readonly Outgoing[]) => Promise<void>;
  readonly onProgress: (progress: { readonly hour: string; readonly messages: number; readonly total: number }) => void;
}

/**
 * Hour by hour, the oldest first. Each message carries when it was received first, so that it changes nothing that is newer.
 * @returns how many were sent
 */
export async function replay(replaying: Replaying): Promise<number> {
  const { from, to, name, s3, bucket, sameEnvironment, send, onProgress } = replaying;
  let total = 0;
  for (let hour = from - (from % HOUR_MS); hour < to; hour += HOUR_MS) {
    const keys = await keysBelow(s3, bucket, hourPrefix(name, hour));
    const parts = await mapConcurrently(keys, CONCURRENT_READS, (key) => readObject(s3, bucket, key));
    const messages = oncePerId(parts.flat())
      .filter(({ receivedAt }) => receivedAt >= from && receivedAt < to)
      .sort((a, b) => a.receivedAt - b.receivedAt);
    if (messages.length === 0) continue;
    await send(messages.map((message) => outgoing(message, sameEnvironment)));
    total += messages.length;
    onProgress({ hour: new Date(hour).toISOString().slice(0, 13), messages: messages.length, total });
  }
  return total;
}

/** A batch that was worked off again, a little different, is in the archive twice. */
function oncePerId(messages: readonly ArchivedMessage[]): readonly ArchivedMessage[] {
  return [...new Map(messages.map((message) => [message.id, message])).values()];
}

function outgoing({ receivedAt, data }: ArchivedMessage, sameEnvironment: boolean): Outgoing {
  return {
    body: data,
    attributes: {
      [MESSAGE_ATTRIBUTES.receivedAt]: receivedAt,
      ...(sameEnvironment && { [MESSAGE_ATTRIBUTES.archived]: 1 }),
    },
  };
}

async function keysBelow(client: S3Client, Bucket: string, Prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix }))
    keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
  return keys;
}

async function readObject(s3: S3Client, Bucket: string, key: string): Promise<readonly ArchivedMessage[]> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
  const bytes = await Body?.transformToByteArray();
  return readArchiveObject({ key, text: gunzipSync(bytes ?? new Uint8Array()).toString() });
}
