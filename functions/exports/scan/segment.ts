/** Exports one segment of a table: scans pages, writes parts, saves checkpoints. */
import { isThrottlingError } from "../../shared/aws/aws-errors";
import type { Clock } from "../../shared/clock";
import { MINUTE_MS } from "../../shared/time";
import type { Format } from "../contract";
import type { FileWriter } from "../format/file-writer";
import {
  SegmentTakenOverError,
  type ReadTotals,
  type SegmentCheckpoint,
  type UploadedPart,
} from "../storage/segment-table";
import type { RateLimiter } from "./rate-limiter";
import type { TableScan } from "./table-scan";

/** A part also ends after this time, which limits what a slow segment reads again after a crash. */
const PART_MS = 2 * MINUTE_MS;

export interface PageTotals extends ReadTotals {
  readonly units: number;
}

export interface SegmentPorts {
  readonly format: Format;
  /** Write a file for a segment without items. */
  readonly writeEmptyFile: boolean;
  /** A part ends when it has this size before compression. */
  readonly partBytes: number;
  readonly scan: TableScan;
  /** Rejects with TableRecreatedError if what was read is not of the run's table. */
  readonly assertSameTable: () => Promise<void>;
  readonly rateLimiter: RateLimiter;
  readonly clock: Clock;
  readonly partKey: (part: number) => string;
  /** Sends nothing to S3 until there is a chunk to upload. */
  readonly openFile: (key: string) => FileWriter;
  /** Saves the checkpoint and its part in one transaction. Rejects if another worker has claimed the segment. */
  readonly saveCheckpoint: (checkpoint: SegmentCheckpoint, part: UploadedPart | undefined) => Promise<void>;
  /** Called after each page, with the items it exported, and the totals of the segment. */
  readonly onPage: (page: PageTotals, read: ReadTotals) => void;
}

/** A JSON document cannot be resumed, and this one takes longer than an invocation. */
export class DocumentTooLargeError extends Error {
  override readonly name = "DocumentTooLargeError";
}

/** A page continues with the key after which it was read: it would be exported for ever. The message has no key. */
export class RepeatedKeyError extends Error {
  override readonly name = "RepeatedKeyError";
}

interface FilledFile {
  readonly lastKey: string | undefined;
  readonly read: ReadTotals;
  readonly done: boolean;
  readonly deadlineReached: boolean;
  /** The table throttled the read of the next page. */
  readonly throttled?: Error;
}

/**
 * Exports until the segment is done or the deadline (by `clock.elapsed()`) is reached.
 *
 * A part is saved with its upload, which becomes an object when the run is published, and only by the worker that has the segment. So
 * uploads of a worker that was presumed dead never become objects, and readers see no part of an unfinished run.
 *
 * What was read before a table throttles is saved: else one that throttles every minute would never be exported.
 *
 * @returns whether the segment is done
 * @throws {@link DocumentTooLargeError}, {@link RepeatedKeyError}, TableRecreatedError, and errors of the ports
 */
export async function exportSegment(start: SegmentCheckpoint, ports: SegmentPorts, deadline: number): Promise<boolean> {
  const { format, writeEmptyFile, partKey, openFile, saveCheckpoint, assertSameTable } = ports;
  const pages = new PagePrefetcher(ports, deadline, start.lastKey);
  let { done, nextPart, read } = start;
  for (let deadlineReached = false; !done && !deadlineReached;) {
    const key = partKey(nextPart);
    const file = openFile(key);
    let checkpoint: SegmentCheckpoint;
    let part: UploadedPart | undefined;
    let throttled: Error | undefined;
    try {
      const filled = await fillFile(file, pages, read, ports);
      ({ done, deadlineReached, read, throttled } = filled);
      if (format === "json" && !done) throw new DocumentTooLargeError(TOO_LARGE);
      // Once, after the last page: an id does not come back, so all pages are of the table that has it now.
      if (done) await assertSameTable();
      if (file.items > 0 || writeEmptyFile)
        part = { number: nextPart, key, items: file.items, ...(await file.finish()) };
      if (part !== undefined) nextPart += 1;
      checkpoint = { lastKey: filled.lastKey, nextPart, done, read };
    } catch (error) {
      await file.abort().catch(() => undefined); // The worker that resumes aborts remaining uploads.
      throw error;
    }
    // Not aborted if this fails: the checkpoint may have been saved, and then the upload is needed. Otherwise publishing aborts it.
    await saveCheckpoint(checkpoint, part).catch(async (error: unknown) => {
      if (error instanceof SegmentTakenOverError) await file.abort().catch(() => undefined);
      throw error;
    });
    if (throttled !== undefined) throw throttled;
  }
  return done;
}

const TOO_LARGE =
  'one invocation cannot write the whole table as one document: use format "ndjson", which is written in parts';

async function fillFile(
  file: FileWriter,
  pages: PagePrefetcher,
  before: ReadTotals,
  { format, partBytes, clock, onPage }: SegmentPorts,
): Promise<FilledFile> {
  const openedAt = clock.elapsed();
  let { lastKey } = pages;
  let read = before;
  for (;;) {
    let page: Buffer | undefined;
    try {
      page = await pages.next();
    } catch (error) {
      if (format === "json" || !(error instanceof Error && isThrottlingError(error))) throw error;
      return { lastKey, read, done: false, deadlineReached: false, throttled: error };
    }
    if (page === undefined) return { lastKey, read, done: false, deadlineReached: true };
    const added = file.addPage(page);
    if (added === undefined) {
      pages.putBack(page);
      return { lastKey, read, done: false, deadlineReached: false };
    }
    const { items, scanned, unusable = 0, capacityUnits, lastKey: nextKey } = added;
    if (nextKey !== undefined && nextKey === lastKey)
      throw new RepeatedKeyError("a page has the key of the page before");
    lastKey = nextKey;
    read = {
      items: read.items + scanned,
      bytes: read.bytes + page.length,
      unusable: (read.unusable ?? 0) + unusable,
    };
    onPage({ items, bytes: page.length, units: capacityUnits }, read);
    // The next page is read while this one is compressed and uploaded.
    if (nextKey !== undefined) pages.prefetch(nextKey, capacityUnits, scanned);
    else await pages.settle(capacityUnits, scanned);
    await file.flush();
    if (nextKey === undefined) return { lastKey, read, done: true, deadlineReached: false };
    const full = file.bytes >= partBytes || clock.elapsed() - openedAt >= PART_MS;
    if (full && format !== "json") return { lastKey, read, done: false, deadlineReached: false };
  }
}

/** Reads one page ahead. */
class PagePrefetcher {
  private pending: Promise<Buffer | undefined> | undefined;

  constructor(
    private readonly ports: SegmentPorts,
    private readonly deadline: number,
    public lastKey: string | undefined,
  ) {}

  /** Requests the page after a key, once the rate limit allows for the units of the previous page. */
  prefetch(after: string | undefined, consumedUnits: number, items: number): void {
    this.lastKey = after;
    this.pending = this.read(after, consumedUnits, items);
    this.pending.catch(() => undefined); // Avoids an unhandled rejection; awaited by next().
  }

  /** Undefined when the deadline is reached first. */
  next(): Promise<Buffer | undefined> {
    if (this.pending === undefined) this.prefetch(this.lastKey, 0, 0);
    const { pending } = this;
    this.pending = undefined;
    return pending ?? Promise.resolve(undefined);
  }

  /** Its next reader gets the same page. */
  putBack(page: Buffer): void {
    this.pending = Promise.resolve(page);
  }

  /** Counts the units of the last page. */
  async settle(consumedUnits: number, items: number): Promise<void> {
    await this.ports.rateLimiter.settle?.(consumedUnits, items);
  }

  private async read(after: string | undefined, consumedUnits: number, items: number): Promise<Buffer | undefined> {
    const { rateLimiter, clock, scan } = this.ports;
    const allowed = await rateLimiter.consume(consumedUnits, this.deadline, items);
    return allowed && clock.elapsed() < this.deadline ? scan(after, rateLimiter.pageItems) : undefined;
  }
}
