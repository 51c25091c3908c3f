/** The archive's format: NDJSON, one object per batch and hour of receipt. */
import { createHash } from "node:crypto";

import { groupBy } from "../../shared/group-by";
import { parseJson } from "../../shared/input";

export interface ArchivedMessage {
  /** The SQS message ID. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** The message as it was sent, on a single line. */
  readonly data: string;
}

export interface ArchiveObject {
  readonly key: string;
  /** NDJSON, before compression. */
  readonly text: string;
}

/** `jobOrder/dt=2026-11-21/hour=07/`: messages received in that hour (UTC). */
export function hourPrefix(pipeline: string, time: number): string {
  const iso = new Date(time).toISOString();
  return `${pipeline}/dt=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}/`;
}

const HOUR_PREFIX = /\/dt=(\d{4}-\d\d-\d\d)\/hour=(\d\d)\/$/;

/** The hour of a {@link hourPrefix}, epoch milliseconds; undefined for any other prefix. */
export function hourOf(prefix: string): number | undefined {
  const [, day, hour] = HOUR_PREFIX.exec(prefix) ?? [];
  const time = Date.parse(`${day}T${hour}:00:00Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** A batch as objects, one per hour, with the IDs of the messages in each. A redelivered batch has the same object keys. */
export function archiveObjects(
  pipeline: string,
  messages: readonly ArchivedMessage[],
): readonly { readonly object: ArchiveObject; readonly ids: readonly string[] }[] {
  const hours = groupBy(messages, ({ receivedAt }) => hourPrefix(pipeline, receivedAt));
  return [...hours].map(([prefix, sameHour]) => ({
    object: {
      key: `${prefix}${objectName(sameHour)}.ndjson.gz`,
      text: sameHour.map((message) => `${lineOf(message)}\n`).join(""),
    },
    ids: sameHour.map(({ id }) => id),
  }));
}

/** `3122123-3f2a9c1b04d5e6f7`: the first message's time within the hour (mmssSSS) and a hash of all message IDs. */
function objectName(messages: readonly ArchivedMessage[]): string {
  const first = Math.min(...messages.map(({ receivedAt }) => receivedAt));
  const ids = messages.map(({ id }) => id).sort();
  const hash = createHash("sha256").update(ids.join("\n")).digest("hex").slice(0, 16);
  return `${new Date(first).toISOString().slice(14, 23).replace(/[:.]/g, "")}-${hash}`;
}

/** The data come last and unchanged, so that {@link readArchiveObject} extracts them without parsing. */
function lineOf({ id, receivedAt, data }: ArchivedMessage): string {
  return `${JSON.stringify({ id, receivedAt: new Date(receivedAt).toISOString() }).slice(0, -1)},"data":${data}}`;
}

const LINE = /^\{"id":("(?:[^"\\]|\\.)*"),"receivedAt":"([^"]+)","data":(.*)\}$/s;

/** A line of an archive object is not in this format. */
export class UnreadableArchiveError extends Error {
  override readonly name = "UnreadableArchiveError";
}

/** @throws {@link UnreadableArchiveError} with the key and the line number */
export function readArchiveObject({ key, text }: ArchiveObject): readonly ArchivedMessage[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => {
      const [, id, time = "", data] = LINE.exec(line) ?? [];
      if (id === undefined || data === undefined || Number.isNaN(Date.parse(time)))
        throw new UnreadableArchiveError(`${key}, line ${index + 1}: is not an archived message`);
      return { id: String(parseJson(id)), receivedAt: Date.parse(time), data };
    });
}
