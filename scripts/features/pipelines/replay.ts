/** Sends a period of the archive through a pipeline again. */
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import {
  hourOf,
  hourPrefix,
  readArchiveObject,
  type ArchivedMessage,
} from "../../../functions/pipelines/storage/archive";
import { MESSAGE_ATTRIBUTES } from "../../../functions/pipelines/contract";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { HOUR_MS } from "../../../functions/shared/time";
import type { Outgoing } from "./queue-sender";

const CONCURRENT_READS = 8;

export interface ReplayRange {
  /** Received at or after, epoch milliseconds. */
  readonly from: number;
  /** Received before. */
  readonly to: number;
}

export interface ReplayOptions extends ReplayRange {
  /** The pipeline. */
  readonly name: string;
  readonly s3: S3Client;
  readonly bucket: string;
  /** True: the messages are in this environment's archive already, and are not archived again. */
  readonly sameEnvironment: boolean;
  /** True: no notifications are sent for the rows that change. */
  readonly quiet: boolean;
  readonly send: (messages: readonly Outgoing[]) => Promise<void>;
  readonly onProgress: (progress: { readonly hour: string; readonly messages: number; readonly total: number }) => void;
}

/** A replay stopped. Sending some messages again is safe. */
export class ReplayStoppedError extends Error {
  override readonly name = "ReplayStoppedError";
}

/**
 * Hour by hour, the oldest first, and within an hour some objects at a time. Each message keeps its original time, so that it does not
 * replace newer data.
 * @returns the number of messages sent
 * @throws {@link ReplayStoppedError} with the hour to continue from
 */
export async function replay(options: ReplayOptions): Promise<number> {
  let total = 0;
  let reached = options.from;
  try {
    for await (const hour of archivedHours(options)) {
      reached = Math.max(hour, options.from);
      total += await replayHour(hour, total, options);
    }
  } catch (cause) {
    const next = new Date(reached).toISOString();
    throw new ReplayStoppedError(`${total} messages were sent. Continue with --from ${next}`, { cause });
  }
  return total;
}

/** The hours of the range that the archive has, the oldest first: a request for a thousand days, and one for each day that it has. */
async function* archivedHours({ s3, bucket, name, from, to }: ReplayOptions): AsyncGenerator<number> {
  for await (const day of foldersIn(
    s3,
    bucket,
    `${name}/`,
    `${name}/dt=${new Date(from).toISOString().slice(0, 10)}`,
  )) {
    for await (const folder of foldersIn(s3, bucket, day)) {
      const hour = hourOf(folder);
      if (hour === undefined || hour + HOUR_MS <= from) continue;
      if (hour >= to) return;
      yield hour;
    }
  }
}

async function replayHour(hour: number, before: number, options: ReplayOptions): Promise<number> {
  const { from, to, name, s3, bucket, send, onProgress } = options;
  const keys = await listKeys(s3, bucket, hourPrefix(name, hour));
  // A batch that was processed twice is archived twice.
  const sent = new Set<string>();
  for (let index = 0; index < keys.length; index += CONCURRENT_READS) {
    const some = keys.slice(index, index + CONCURRENT_READS);
    const parts = await mapConcurrently(some, CONCURRENT_READS, (key) => readObject(s3, bucket, key));
    const messages = parts
      .flat()
      .filter(({ id, receivedAt }) => {
        if (receivedAt < from || receivedAt >= to || sent.has(id)) return false;
        sent.add(id);
        return true;
      })
      .sort((a, b) => a.receivedAt - b.receivedAt);
    if (messages.length === 0) continue;
    await send(messages.map((message) => outgoing(message, options)));
    onProgress({
      hour: new Date(hour).toISOString().slice(0, 13),
      messages: messages.length,
      total: before + sent.size,
    });
  }
  return sent.size;
}

function outgoing({ receivedAt, data }: ArchivedMessage, { sameEnvironment, quiet }: ReplayOptions): Outgoing {
  return {
    body: data,
    attributes: {
      [MESSAGE_ATTRIBUTES.receivedAt]: receivedAt,
      ...(sameEnvironment && { [MESSAGE_ATTRIBUTES.archived]: 1 }),
      ...(quiet && { [MESSAGE_ATTRIBUTES.quiet]: 1 }),
    },
  };
}

/** In order. @param after those that sort before it are left out */
async function* foldersIn(client: S3Client, Bucket: string, Prefix: string, after?: string): AsyncGenerator<string> {
  const request = { Bucket, Prefix, Delimiter: "/", ...(after !== undefined && { StartAfter: after }) };
  for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client }, request))
    for (const { Prefix: folder } of CommonPrefixes) if (folder !== undefined) yield folder;
}

async function listKeys(client: S3Client, Bucket: string, Prefix: string): Promise<readonly string[]> {
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
