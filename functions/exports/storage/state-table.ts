/** The table in which exports keep what they are at. */
import {
  GetItemCommand,
  paginateQuery,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { Clock } from "../../shared/clock";
import { errorName, isObject } from "../../shared/errors";
import { DAY_SECONDS } from "../../shared/time";
import type { ActiveRun, ClaimPorts, ExportHead, FinishedDay } from "../run/claim";
import { exportedFileSchema, runSchema, type ExportedFile, type Run } from "../contract";
import type { PendingUpload } from "../format/object-store";
import type { Amount, SealedPart, SegmentProgress } from "../scan/segment";
import type { Window } from "../run/window";

/** What a run's steps have left can be looked into for so long; its manifest stays. */
const KEPT_DAYS = 90;

const HEAD = "head";
const runItem = (id: string): string => `run#${id}`;
const dayItem = (day: string): string => `day#${day}`;
const stepsOf = ({ subject, id }: Pick<Run, "subject" | "id">): string => `${subject}#${id}`;
const segmentItem = (segment: number): string => `segment#${String(segment).padStart(4, "0")}`;
const partItem = (segment: number, part: number): string =>
  `part#${String(segment).padStart(4, "0")}-${String(part).padStart(5, "0")}`;

const headSchema = z.object({
  activeRun: z.string().optional(),
  activeOwner: z.string().optional(),
  activeAttempt: z.number().optional(),
  cursor: z.string().optional(),
});

const windowSchema = z.object({ from: z.string().optional(), to: z.string() });
const daySchema = z.object({ location: z.string(), window: windowSchema.optional() });

const amountSchema = z.object({ items: z.number(), bytes: z.number() }).default({ items: 0, bytes: 0 });

const segmentSchema = z.object({
  lastKey: z.string().optional(),
  nextPart: z.number().default(0),
  done: z.boolean().default(false),
  /** Up to the last key. */
  read: amountSchema,
  /** Beyond it, too, by whoever is at work. */
  seen: amountSchema,
});

const partSchema = z.object({
  ...exportedFileSchema.shape,
  item: z.string(),
  upload: z.object({ id: z.string(), tags: z.array(z.string()) }).optional(),
});

/** A file of a run. While it has an upload, that is still to be completed. */
export type StoredPart = ExportedFile & { readonly item: string; readonly upload: PendingUpload | undefined };

/** How far a run is, for people. */
export interface SeenSoFar extends Amount {
  readonly segments: number;
  readonly segmentsDone: number;
}

/** Who works on a segment. */
export interface At {
  readonly run: Run;
  readonly segment: number;
  readonly worker: string;
}

/** Somebody else works on the segment now: this worker has to stop, and nothing that it did since counts. */
export class SegmentTakenError extends Error {
  override readonly name = "SegmentTakenError";
}

export interface StateTable extends Omit<ClaimPorts, "isRunning"> {
  readonly setExpected: (run: Run) => Promise<void>;
  /**
   * Makes a worker the only one whose progress counts.
   *
   * @throws {@link SegmentTakenError} when the run has been taken over since
   */
  readonly takeSegment: (at: At) => Promise<SegmentProgress>;
  /** @throws {@link SegmentTakenError} */
  readonly saveProgress: (at: At, progress: SegmentProgress, part: SealedPart | undefined) => Promise<void>;
  /**
   * Tells people what was read of the segment so far, from its beginning. Again is as good as once.
   *
   * @throws {@link SegmentTakenError}
   */
  readonly saveSeen: (at: At, seen: Amount) => Promise<void>;
  readonly seen: (run: Run) => Promise<SeenSoFar>;
  readonly saveFile: (run: Run, number: number, file: ExportedFile) => Promise<void>;
  readonly markStored: (run: Run, segment: number, part: number) => Promise<void>;
  /** All files of a run, in order. */
  readonly parts: (run: Run) => Promise<readonly StoredPart[]>;
  /**
   * Ends a run: the next window begins where its own ended, and the day has its export.
   *
   * @param result undefined: there was nothing new, so the day may still get its export
   */
  readonly finish: (
    run: Run,
    result: { readonly location: string; readonly items: number; readonly bytes: number } | undefined,
  ) => Promise<void>;
  /** Records why the run that an execution has was given up. @returns false when it has none */
  readonly fail: (
    subject: string,
    execution: string,
    failure: { readonly error: string; readonly cause: string },
  ) => Promise<boolean>;
}

export function stateTable(dynamodb: DynamoDBClient, table: string, clock: Clock): StateTable {
  const ttl = (): number => Math.floor(clock.now() / 1_000) + KEPT_DAYS * DAY_SECONDS;

  const read = async (subject: string, item: string): Promise<Record<string, unknown> | undefined> => {
    const key = { TableName: table, Key: marshall({ subject, item }), ConsistentRead: true };
    const { Item } = await dynamodb.send(new GetItemCommand(key));
    return Item && unmarshall(Item);
  };

  const query = async (subject: string, prefix: string): Promise<readonly Record<string, unknown>[]> => {
    const items: Record<string, unknown>[] = [];
    const pages = paginateQuery(
      { client: dynamodb },
      {
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: "subject = :subject AND begins_with(#item, :prefix)",
        ExpressionAttributeNames: { "#item": "item" },
        ExpressionAttributeValues: marshall({ ":subject": subject, ":prefix": prefix }),
      },
    );
    for await (const { Items = [] } of pages) items.push(...Items.map((item) => unmarshall(item)));
    return items;
  };

  /** False when a condition did not hold. Other reasons for which a transaction is cancelled are errors. */
  const transact = async (items: TransactWriteItem[]): Promise<boolean> => {
    try {
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: items }));
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  };

  const update = (
    subject: string,
    item: string,
    expression: string,
    values: Readonly<Record<string, unknown>>,
    condition?: string,
  ) => {
    // Only what is mentioned may be named.
    const names = Object.fromEntries(
      [...new Set(`${expression} ${condition ?? ""}`.match(/#\w+/g))].map((name) => [name, name.slice(1)]),
    );
    return {
      TableName: table,
      Key: marshall({ subject, item }),
      UpdateExpression: expression,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }),
    };
  };

  /** The head's active run becomes this one, if it is still what it was. */
  const activate = (run: Run, owner: string, before: ActiveRun | undefined): TransactWriteItem => ({
    Update: update(
      run.subject,
      HEAD,
      "SET activeRun = :run, activeOwner = :owner, activeAttempt = :attempt",
      {
        ":run": run.id,
        ":owner": owner,
        ":attempt": run.attempt,
        ...(before && { ":beforeRun": before.id, ":beforeOwner": before.owner }),
      },
      before === undefined
        ? "attribute_not_exists(activeRun)"
        : "activeRun = :beforeRun AND activeOwner = :beforeOwner",
    ),
  });

  const describeRun = (run: Run, owner: string): TransactWriteItem => ({
    Update: update(
      run.subject,
      runItem(run.id),
      "SET #run = :run, #status = :status, #owner = :owner, #ttl = :ttl REMOVE #error, #cause",
      { ":run": JSON.stringify(run), ":status": "RUNNING", ":owner": owner, ":ttl": ttl() },
    ),
  });

  return {
    head: async (subject): Promise<ExportHead> => {
      const { activeRun, activeOwner, activeAttempt, cursor } = headSchema.parse((await read(subject, HEAD)) ?? {});
      const active =
        activeRun === undefined ? undefined : { id: activeRun, owner: activeOwner ?? "", attempt: activeAttempt ?? 1 };
      return { active, cursor };
    },
    finishedDay: async (subject, day): Promise<FinishedDay | undefined> => {
      const item = await read(subject, dayItem(day));
      if (item === undefined) return undefined;
      const { location, window } = daySchema.parse(item);
      return { location, window: window === undefined ? undefined : windowFrom(window) };
    },
    run: async (subject, id) => {
      const item = await read(subject, runItem(id));
      return item && runSchema.parse(JSON.parse(z.object({ run: z.string() }).parse(item).run));
    },
    begin: (run, owner, replaced) => transact([activate(run, owner, replaced), describeRun(run, owner)]),
    takeOver: (run, owner, from) => transact([activate(run, owner, from), describeRun(run, owner)]),
    setExpected: async (run) => {
      await dynamodb.send(
        new UpdateItemCommand(update(run.subject, runItem(run.id), "SET #run = :run", { ":run": JSON.stringify(run) })),
      );
    },

    takeSegment: async ({ run, segment, worker }) => {
      const command = new UpdateItemCommand({
        ...update(
          stepsOf(run),
          segmentItem(segment),
          "SET #worker = :worker, #attempt = :attempt, #ttl = :ttl",
          { ":worker": worker, ":attempt": run.attempt, ":ttl": ttl() },
          "attribute_not_exists(#attempt) OR #attempt <= :attempt",
        ),
        ReturnValues: "ALL_NEW",
      });
      const { Attributes = {} } = await dynamodb.send(command).catch((error: unknown) => {
        throw takenOr(error, segment);
      });
      const { lastKey, nextPart, done, read } = segmentSchema.parse(unmarshall(Attributes));
      return { lastKey, nextPart, done, read };
    },
    saveProgress: async ({ run, segment, worker }, { lastKey, nextPart, done, read }, part) => {
      const saved = await transact([
        {
          Update: update(
            stepsOf(run),
            segmentItem(segment),
            `SET #nextPart = :nextPart, #done = :done, #read = :read, #seen = :read${lastKey === undefined ? "" : ", #lastKey = :lastKey"}`,
            { ":nextPart": nextPart, ":done": done, ":read": read, ":lastKey": lastKey, ":worker": worker },
            "#worker = :worker",
          ),
        },
        ...(part === undefined
          ? []
          : [
              {
                Put: {
                  TableName: table,
                  Item: marshall({
                    subject: stepsOf(run),
                    item: partItem(segment, part.number),
                    key: part.key,
                    items: part.items,
                    bytes: part.bytes,
                    sha256: part.sha256,
                    upload: { id: part.upload.id, tags: [...part.upload.tags] },
                    ttl: ttl(),
                  }),
                },
              },
            ]),
      ]);
      if (!saved) throw takenBy(segment);
    },
    saveSeen: async ({ run, segment, worker }, seen) => {
      const values = { ":seen": seen, ":worker": worker };
      const command = update(stepsOf(run), segmentItem(segment), "SET #seen = :seen", values, "#worker = :worker");
      await dynamodb.send(new UpdateItemCommand(command)).catch((error: unknown) => {
        throw takenOr(error, segment);
      });
    },
    seen: async (run) => {
      const segments = (await query(stepsOf(run), "segment#")).map((item) => segmentSchema.parse(item));
      return {
        segments: run.segments,
        segmentsDone: segments.filter(({ done }) => done).length,
        items: segments.reduce((sum, { seen }) => sum + seen.items, 0),
        bytes: segments.reduce((sum, { seen }) => sum + seen.bytes, 0),
      };
    },
    saveFile: async (run, number, file) => {
      const item = { subject: stepsOf(run), item: partItem(0, number), ...file, ttl: ttl() };
      await transact([{ Put: { TableName: table, Item: marshall(item, { removeUndefinedValues: true }) } }]);
    },
    markStored: async (run, segment, part) => {
      const done = update(stepsOf(run), partItem(segment, part), "REMOVE #upload", {});
      const { ExpressionAttributeValues: _, ...command } = done;
      await dynamodb.send(new UpdateItemCommand(command));
    },
    parts: async (run) =>
      (await query(stepsOf(run), "part#")).map((item) => {
        const { upload, ...file } = partSchema.parse(item);
        return { ...file, upload };
      }),

    finish: async (run, result) => {
      const { subject, id, day, window } = run;
      const { location, items = 0, bytes = 0 } = result ?? {};
      const cursor = run.repeats ? undefined : window?.to;
      const finishedAt = new Date(clock.now()).toISOString();
      const ended = await transact([
        {
          Update: update(
            subject,
            HEAD,
            `${cursor === undefined ? "" : "SET #cursor = :cursor "}REMOVE #activeRun, #activeOwner, #activeAttempt`,
            { ":run": id, ":cursor": cursor },
            "#activeRun = :run",
          ),
        },
        {
          Update: update(
            subject,
            runItem(id),
            `SET #status = :status, #finishedAt = :at, #items = :items, #bytes = :bytes${location === undefined ? "" : ", #location = :location"}`,
            { ":status": "FINISHED", ":at": finishedAt, ":items": items, ":bytes": bytes, ":location": location },
          ),
        },
        ...(result === undefined
          ? []
          : [
              {
                Put: {
                  TableName: table,
                  Item: marshall(
                    { subject, item: dayItem(day), run: id, location, window, finishedAt },
                    { removeUndefinedValues: true },
                  ),
                },
              },
            ]),
      ]);
      if (ended) return;
      // A second release of the same run finds it released.
      const status = z.object({ status: z.string() }).safeParse(await read(subject, runItem(id)));
      if (status.data?.status !== "FINISHED") throw new Error(`${subject}: run ${id} is no longer the active one`);
    },
    fail: async (subject, execution, { error, cause }) => {
      const { activeRun, activeOwner } = headSchema.parse((await read(subject, HEAD)) ?? {});
      if (activeRun === undefined || activeOwner !== execution) return false;
      const values = { ":status": "FAILED", ":error": error, ":cause": cause };
      const expression = "SET #status = :status, #error = :error, #cause = :cause";
      await dynamodb.send(new UpdateItemCommand(update(subject, runItem(activeRun), expression, values)));
      return true;
    },
  };
}

function windowFrom({ from, to }: z.output<typeof windowSchema>): Window {
  return { to, ...(from !== undefined && { from }) };
}

function isConditionFailed(error: unknown): boolean {
  if (errorName(error) === "ConditionalCheckFailedException") return true;
  if (errorName(error) !== "TransactionCanceledException") return false;
  if (!isObject(error) || !("CancellationReasons" in error) || !Array.isArray(error.CancellationReasons)) return false;
  return error.CancellationReasons.some(
    (reason: unknown) => isObject(reason) && "Code" in reason && reason.Code === "ConditionalCheckFailed",
  );
}

function takenOr(error: unknown, segment: number): unknown {
  return isConditionFailed(error) ? takenBy(segment) : error;
}

function takenBy(segment: number): SegmentTakenError {
  return new SegmentTakenError(`segment ${segment} is somebody else's now`);
}
