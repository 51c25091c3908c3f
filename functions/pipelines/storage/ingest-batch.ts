/** Archives a batch of messages and writes the rows of those that are newer. */
import { mapConcurrently } from "../../shared/resilience/concurrency";
import { groupBy } from "../../shared/group-by";
import type { MessageFailure } from "../../shared/handlers/queue-handler";
import type { Pipeline, Pointers } from "../contract";
import { compareVersions, MalformedMessageError, readMessage, type Message } from "../message/message";
import { archiveObjects, type ArchiveObject } from "./archive";
import type { RowOptions } from "./row";

/** Rows written at a time. */
export const CONCURRENT_WRITES = 50;

/** A message as received from the queue. */
export interface ReceivedMessage {
  readonly id: string;
  readonly text: string;
  /** By which the gate has accepted it. @default the pipeline's */
  readonly pointers?: Pointers;
  /** First receipt by the API, epoch milliseconds. */
  readonly receivedAt: number;
  /** True when the archive has it already. */
  readonly archived: boolean;
  /** True: no notification is sent for it. */
  readonly quiet: boolean;
}

export interface IngestPorts {
  /** The pipeline's name. */
  readonly name: string;
  readonly pipeline: Pipeline;
  readonly archive: (object: ArchiveObject) => Promise<void>;
  /** Writes a row unless it has the same or a newer version. Returns true when it was written. */
  readonly write: (message: Message, options: RowOptions) => Promise<boolean>;
}

export interface IngestResult {
  /** Rows written. */
  readonly stored: number;
  /** Messages with the same version as their row, or an older one. */
  readonly unchanged: number;
  readonly failures: readonly MessageFailure[];
}

/**
 * Messages fail alone. Messages with the same key are written in order of version, so that the stream has each change; different
 * keys are written concurrently. Idempotent.
 */
export async function ingestBatch(batch: readonly ReceivedMessage[], ports: IngestPorts): Promise<IngestResult> {
  const malformed: MessageFailure[] = [];
  const parsed = batch.flatMap((received) => {
    try {
      const { text, receivedAt, pointers } = received;
      return [{ received, message: readMessage(text, ports.pipeline, receivedAt, pointers) }];
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      malformed.push({ id: received.id, error });
      return [];
    }
  });
  const archiving = archiveAll(parsed, ports);
  const writes = await mapConcurrently(
    [...groupBy(parsed, ({ message }) => message.key).values()],
    CONCURRENT_WRITES,
    (sameKey) => writeInOrder(sameKey, ports),
  );
  // A message that failed twice, in the table and in the archive, is reported once.
  const failures = [...malformed, ...writes.flatMap(({ failures }) => failures), ...(await archiving)];
  return {
    stored: sum(writes.map(({ stored }) => stored)),
    unchanged: sum(writes.map(({ unchanged }) => unchanged)),
    failures: [...new Map(failures.map((failure) => [failure.id, failure])).values()],
  };
}

interface ParsedMessage {
  readonly received: ReceivedMessage;
  readonly message: Message;
}

async function archiveAll(
  parsed: readonly ParsedMessage[],
  { name, archive }: IngestPorts,
): Promise<readonly MessageFailure[]> {
  const messages = parsed
    .filter(({ received }) => !received.archived)
    .map(({ received: { id }, message: { receivedAt, data } }) => ({ id, receivedAt, data }));
  const failures = await Promise.all(
    archiveObjects(name, messages).map(({ object, ids }) =>
      archive(object).then(
        () => [],
        (error: unknown) => ids.map((id) => ({ id, error })),
      ),
    ),
  );
  return failures.flat();
}

async function writeInOrder(sameKey: readonly ParsedMessage[], { write }: IngestPorts): Promise<IngestResult> {
  const outcome = { stored: 0, unchanged: 0, failures: [] as MessageFailure[] };
  const inOrder = [...sameKey].sort((a, b) => compareVersions(a.message, b.message));
  for (const { received, message } of inOrder) {
    try {
      if (await write(message, { quiet: received.quiet })) outcome.stored += 1;
      else outcome.unchanged += 1;
    } catch (error) {
      outcome.failures.push({ id: received.id, error });
    }
  }
  return outcome;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
