/**
 * One segment of a table, from its last key on: pages in, files out. What was saved once is never read again, whoever dies in
 * between.
 */
import type { Clock } from "../../shared/clock";
import { MINUTE_MS } from "../../shared/time";
import type { Format } from "../contract";
import type { FileWriter } from "../format/file-writer";
import type { PendingUpload } from "../format/object-store";
import type { Pace } from "./rate-limiter";
import type { TableScan } from "./table-scan";

/** A part is closed when it has so many bytes (before compression): Athena likes files of this size. */
export const PART_BYTES = 128 * 1_048_576;

/** ... or has been open for so long: what a slow segment has read must not be at stake for longer. */
const PART_MS = 2 * MINUTE_MS;

/** What was read of a table, exported or not. For people: nothing hangs on it. */
export interface Amount {
  readonly items: number;
  /** Of DynamoDB's answers. */
  readonly bytes: number;
}

/** How far a segment is, as it is stored. */
export interface SegmentProgress {
  /** DynamoDB JSON. Undefined: nothing was read yet. */
  readonly lastKey: string | undefined;
  /** Number of the next part, from 0. */
  readonly nextPart: number;
  readonly done: boolean;
  /** Up to the last key. */
  readonly read: Amount;
}

/** A part that is in S3 but for its completion. */
export interface SealedPart {
  readonly number: number;
  readonly key: string;
  readonly items: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly upload: PendingUpload;
}

export interface SegmentPorts {
  readonly format: Format;
  /** True: a segment without items is a file without items; false: no file. */
  readonly writesEmpty: boolean;
  /** A part is closed when it has so many bytes. {@link PART_BYTES}, but for tests. */
  readonly partBytes: number;
  readonly scan: TableScan;
  readonly pace: Pace;
  readonly clock: Clock;
  /** The key of a part of this segment. */
  readonly keyOf: (part: number) => string;
  /** Begins a file. Nothing is asked of S3 before there is something to send. */
  readonly open: (key: string) => FileWriter;
  /** Saves how far the segment is, and with it the part that it got there by. Rejects if somebody else works on the segment now. */
  readonly save: (progress: SegmentProgress, part: SealedPart | undefined) => Promise<void>;
  /** Makes a saved part an object. */
  readonly complete: (part: SealedPart) => Promise<void>;
  /** Called after each page, with what was read of the segment so far. */
  readonly onPage: (
    page: { readonly items: number; readonly bytes: number; readonly units: number },
    read: Amount,
  ) => void;
}

/** A document can't be resumed in its middle, and this one takes longer than an invocation may. */
export class DocumentTooLargeError extends Error {
  override readonly name = "DocumentTooLargeError";
}

/** What came of a file's pages. */
interface Filled {
  readonly lastKey: string | undefined;
  readonly read: Amount;
  readonly done: boolean;
  /** No time for another page. */
  readonly late: boolean;
}

/**
 * Reads on until the segment is done or the deadline has come (by `clock.elapsed()`).
 *
 * A part is completed only after it was saved, by who saved it. So a worker that was thought dead and lives may send what it likes:
 * it can't save, and so nothing of it is ever seen.
 *
 * @returns whether the segment is done
 * @throws {@link DocumentTooLargeError}, and whatever the ports throw
 */
export async function exportSegment(start: SegmentProgress, ports: SegmentPorts, deadline: number): Promise<boolean> {
  const { format, writesEmpty, keyOf, open, save, complete } = ports;
  const pages = new Pages(ports, deadline, start.lastKey);
  let { done, nextPart, read } = start;
  for (let late = false; !done && !late;) {
    const key = keyOf(nextPart);
    const file = open(key);
    let progress: SegmentProgress;
    let part: SealedPart | undefined;
    try {
      const filled = await fill(file, pages, read, ports);
      ({ done, late, read } = filled);
      if (format === "json" && !done) throw new DocumentTooLargeError(TOO_LARGE);
      if (file.items > 0 || writesEmpty) part = { number: nextPart, key, items: file.items, ...(await file.seal()) };
      if (part !== undefined) nextPart += 1;
      progress = { lastKey: filled.lastKey, nextPart, done, read };
    } catch (error) {
      await file.discard().catch(() => undefined); // Whoever resumes aborts what is left of it.
      throw error;
    }
    // From here on the upload may be somebody's to complete, even if this fails.
    await save(progress, part);
    if (part !== undefined) await complete(part);
  }
  return done;
}

const TOO_LARGE = 'one invocation cannot write all of the table as one document: choose the format "ndjson", in parts';

async function fill(
  file: FileWriter,
  pages: Pages,
  before: Amount,
  { format, partBytes, clock, onPage }: SegmentPorts,
): Promise<Filled> {
  const openedAt = clock.elapsed();
  let { lastKey } = pages;
  let read = before;
  for (;;) {
    const page = await pages.next();
    if (page === undefined) return { lastKey, read, done: false, late: true };
    const { items, scanned, capacityUnits, lastKey: after } = file.take(page);
    lastKey = after;
    read = { items: read.items + scanned, bytes: read.bytes + page.length };
    onPage({ items, bytes: page.length, units: capacityUnits }, read);
    // The next page is on its way while this one is compressed and sent.
    if (after !== undefined) pages.ask(after, capacityUnits);
    await file.drain();
    if (after === undefined) return { lastKey, read, done: true, late: false };
    const full = file.bytes >= partBytes || clock.elapsed() - openedAt >= PART_MS;
    if (full && format !== "json") return { lastKey, read, done: false, late: false };
  }
}

/** The pages of a segment, the next one asked for in advance. */
class Pages {
  private asked: Promise<Buffer | undefined> | undefined;

  constructor(
    private readonly ports: SegmentPorts,
    private readonly deadline: number,
    public lastKey: string | undefined,
  ) {}

  /** Asks for the page after a key, once what the last one has cost is paid for. */
  ask(after: string | undefined, unitsSpent: number): void {
    this.lastKey = after;
    this.asked = this.read(after, unitsSpent);
    this.asked.catch(() => undefined); // Whoever takes it is told; nobody may.
  }

  /** Undefined: there was no time for it. */
  next(): Promise<Buffer | undefined> {
    if (this.asked === undefined) this.ask(this.lastKey, 0);
    const { asked } = this;
    this.asked = undefined;
    return asked ?? Promise.resolve(undefined);
  }

  private async read(after: string | undefined, unitsSpent: number): Promise<Buffer | undefined> {
    const { pace, clock, scan } = this.ports;
    const inTime = await pace.spend(unitsSpent, this.deadline);
    return inTime && clock.elapsed() < this.deadline ? scan(after) : undefined;
  }
}
