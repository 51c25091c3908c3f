/** A batch out of the queue: archived, and each message stored unless a newer one is. */
import { mapConcurrently } from "../../shared/concurrency";
import { groupBy } from "../../shared/group-by";
import type { Archived, ArchivePart } from "./archive";
import { archiveParts } from "./archive";
import type { Channel } from "../contract";
import { MalformedMessageError, readMessage, type Message } from "../message/message";

/** Rows written at a time. */
export const CONCURRENT_WRITES = 50;

/** A message as it comes out of the queue. */
export interface Queued {
  readonly id: string;
  readonly text: string;
  /** When the door received it first, epoch milliseconds. */
  readonly receivedAt: number;
  /** True: the archive has it already. */
  readonly archived: boolean;
}

/** Why a message is not done with: it stays in the queue, and goes to the dead letters when that happens too often. */
export interface Failure {
  readonly id: string;
  readonly error: unknown;
}

export interface IngestPorts {
  /** The channel's name. */
  readonly name: string;
  readonly channel: Channel;
  readonly archive: (part: ArchivePart) => Promise<void>;
  /** Stores a row unless one of the same or a newer version is there. Returns whether it did. */
  readonly store: (message: Message) => Promise<boolean>;
}

export interface Ingested {
  readonly stored: number;
  /** Known already, or older than what is known. */
  readonly known: number;
  readonly failures: readonly Failure[];
}

/**
 * Messages fail alone. Of one key they are stored one after the other, the oldest version first, so that each change is seen; of
 * different keys side by side. Doing a batch twice changes nothing.
 */
export async function ingestBatch(batch: readonly Queued[], ports: IngestPorts): Promise<Ingested> {
  const failures: Failure[] = [];
  const readable = batch.flatMap((queued) => {
    try {
      return [{ queued, message: readMessage(queued.text, ports.channel, queued.receivedAt) }];
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      failures.push({ id: queued.id, error });
      return [];
    }
  });
  const archived = archiveAll(readable, ports);
  const stored = await mapConcurrently(
    [...groupBy(readable, ({ message }) => message.key).values()],
    CONCURRENT_WRITES,
    (those) => storeInOrder(those, ports),
  );
  const failed = [...stored.flatMap(({ failures }) => failures), ...(await archived)];
  // One that is stored but not archived is in both.
  const unique = new Map([...failures, ...failed].map((failure) => [failure.id, failure]));
  return {
    stored: sum(stored.map(({ written }) => written)),
    known: sum(stored.map(({ known }) => known)),
    failures: [...unique.values()],
  };
}

interface Readable {
  readonly queued: Queued;
  readonly message: Message;
}

async function archiveAll(readable: readonly Readable[], { name, archive }: IngestPorts): Promise<readonly Failure[]> {
  const missing = readable.filter(({ queued }) => !queued.archived);
  const messages = missing.map(({ queued, message }): Archived => ({
    id: queued.id,
    receivedAt: message.receivedAt,
    data: message.data,
  }));
  const failed = await Promise.all(
    archiveParts(name, messages).map(({ part, ids }) =>
      archive(part).then(
        () => [],
        (error: unknown) => ids.map((id) => ({ id, error })),
      ),
    ),
  );
  return failed.flat();
}

async function storeInOrder(
  readable: readonly Readable[],
  { store }: IngestPorts,
): Promise<{ written: number; known: number; failures: Failure[] }> {
  const outcome = { written: 0, known: 0, failures: [] as Failure[] };
  const inOrder = [...readable].sort((a, b) => compare(BigInt(a.message.version), BigInt(b.message.version)));
  for (const { queued, message } of inOrder) {
    try {
      if (await store(message)) outcome.written += 1;
      else outcome.known += 1;
    } catch (error) {
      outcome.failures.push({ id: queued.id, error });
    }
  }
  return outcome;
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
