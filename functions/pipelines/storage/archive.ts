/** How messages are kept in the archive: NDJSON, gzipped, an object for each batch and hour. */
import { createHash } from "node:crypto";

import { groupBy } from "../../shared/group-by";

/** A message as the archive keeps it. */
export interface Archived {
  /** Of the message in the queue. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  /** JSON on one line, as it was sent. */
  readonly data: string;
}

/** A part of the archive: one object. */
export interface ArchivePart {
  readonly key: string;
  readonly text: string;
}

/** `jobOrder/dt=2026-11-21/hour=07/`: the messages that were received in that hour (UTC). */
export function hourPrefix(channel: string, time: number): string {
  const iso = new Date(time).toISOString();
  return `${channel}/dt=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}/`;
}

/** A batch by hour, with the messages in each part. The same batch gives the same objects: worked off twice, it is archived once. */
export function archiveParts(
  channel: string,
  messages: readonly Archived[],
): readonly { readonly part: ArchivePart; readonly ids: readonly string[] }[] {
  const hours = groupBy(messages, ({ receivedAt }) => hourPrefix(channel, receivedAt));
  return [...hours].map(([prefix, those]) => ({
    part: {
      key: `${prefix}${partName(those)}.ndjson.gz`,
      text: those.map((message) => `${lineOf(message)}\n`).join(""),
    },
    ids: those.map(({ id }) => id),
  }));
}

/** `3122123-3f2a9c1b04d5e6f7`: when its first message came in that hour, and what tells it from all others. */
function partName(messages: readonly Archived[]): string {
  const first = Math.min(...messages.map(({ receivedAt }) => receivedAt));
  const ids = messages.map(({ id }) => id).sort();
  const hash = createHash("sha256").update(ids.join("\n")).digest("hex").slice(0, 16);
  return `${new Date(first).toISOString().slice(14, 23).replace(/[:.]/g, "")}-${hash}`;
}

/** The data stand in the line as they are, and last: so they can be cut out again without reading them. */
function lineOf({ id, receivedAt, data }: Archived): string {
  return `${JSON.stringify({ id, receivedAt: new Date(receivedAt).toISOString() }).slice(0, -1)},"data":${data}}`;
}

const LINE = /^\{"id":("(?:[^"\\]|\\.)*"),"receivedAt":"([^"]+)","data":(.*)\}$/s;

/** A line of an archived object that is not one of ours. */
export class UnreadableArchiveError extends Error {
  override readonly name = "UnreadableArchiveError";
}

/** @throws {@link UnreadableArchiveError} naming the line */
export function readPart({ key, text }: ArchivePart): readonly Archived[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => {
      const [, id, time = "", data] = LINE.exec(line) ?? [];
      if (id === undefined || data === undefined || Number.isNaN(Date.parse(time)))
        throw new UnreadableArchiveError(`${key}, line ${index + 1}: is no archived message`);
      return { id: String(JSON.parse(id)), receivedAt: Date.parse(time), data };
    });
}
