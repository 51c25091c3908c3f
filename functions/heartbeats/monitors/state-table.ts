/** The state table: what is known of each subject, and what became of it by hour, day and incident. */
import {
  BatchGetItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type Put,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { sendInBatches } from "../../shared/aws/batches";
import type { Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { DAY_MS, DAY_SECONDS } from "../../shared/time";
import { rollupCodec, sumOf } from "./roll-up";
import {
  closedIncidentSchema,
  stateSchema,
  type ClosedIncident,
  type FiledHour,
  type Step,
  type TargetState,
} from "./state";

/** BatchGetItem's own limit. */
const KEYS_PER_READ = 100;
const CONCURRENT_READS = 4;

/** Single hours are shown for a day; ten are there to look into. Days stay for good. */
const HOUR_DAYS = 10;

/** Some subjects' states could not be read. */
export class StateNotReadError extends Error {
  override readonly name = "StateNotReadError";
}

/** What is remembered of a subject. */
export interface Remembered {
  readonly state?: TargetState;
  /** Of a job: when it last reported, epoch milliseconds. */
  readonly reportedAt?: number;
}

/** What became of a subject in earlier times. */
export interface StoredHistory {
  readonly hours: readonly FiledHour[];
  /** By UTC day; today's holds its full hours. */
  readonly days: readonly FiledHour[];
  readonly incidents: readonly ClosedIncident[];
}

export interface StateTable {
  /** @throws {@link StateNotReadError} when DynamoDB stays too busy until the deadline (epoch milliseconds) */
  read(subjects: readonly string[], deadline: number): Promise<ReadonlyMap<string, Remembered>>;
  readOne(subject: string): Promise<TargetState | undefined>;
  /**
   * Stores a step, all of it or nothing, if nobody has stored another since its state was read. Returns whether it did. An
   * hour's end costs a transaction; any other tick one write.
   */
  save(subject: string, step: Step): Promise<boolean>;
  /** @param from epoch milliseconds, the earliest of each kind that is wanted */
  history(
    subject: string,
    from: { readonly hours: number; readonly days: number; readonly incidents: number },
  ): Promise<StoredHistory>;
  /**
   * All subjects that were ever configured and are not yet done with, whether they have states or not.
   *
   * @throws {@link StateNotReadError}
   */
  watched(): Promise<ReadonlySet<string>>;
  watch(subjects: readonly string[]): Promise<void>;
  /** Forgets subjects that are no longer configured. Their states and histories stay. */
  unwatch(subjects: readonly string[]): Promise<void>;
  /** Notes that a job has reported. An earlier report never takes the place of a later one. */
  report(subject: string, at: number): Promise<void>;
}

const STATE = "state";
const REPORT = "report";

/** Whom it is about, of all subjects: no name is one of these. */
const ALL = { subject: "*", item: "watched" } as const;
const watchedSchema = z.object({ subjects: z.set(z.string()).default(new Set()) });

const filedSchema = z.object({ start: z.number(), rollup: rollupCodec });
const reportSchema = z.object({ reportedAt: z.number() });

export function stateTable(
  dynamodb: DynamoDBClient,
  table: string,
  ports: { readonly clock: Clock; readonly random: () => number },
): StateTable {
  const readItem = async (subject: string, item: string): Promise<unknown> => {
    const command = new GetItemCommand({ TableName: table, Key: marshall({ subject, item }), ConsistentRead: true });
    const { Item } = await dynamodb.send(command);
    return Item && unmarshall(Item);
  };
  const put = (subject: string, item: string, fields: object): Put => ({
    TableName: table,
    Item: marshall({ subject, item, ...fields }, { removeUndefinedValues: true }),
  });
  const readOne = async (subject: string): Promise<TargetState | undefined> => {
    const item = await readItem(subject, STATE);
    return item === undefined ? undefined : stateSchema.decode(item as z.input<typeof stateSchema>);
  };

  /** The days that these hours are of, with them. Whoever writes them has the only right to: see `save`. */
  const daysWith = async (subject: string, hours: readonly FiledHour[]): Promise<Put[]> => {
    const starts = new Set(hours.map(({ start }) => dayOf(start)));
    return Promise.all(
      [...starts].map(async (start) => {
        const before = filedSchema.optional().parse(await readItem(subject, dayKey(start)));
        const ofDay = hours.filter((hour) => dayOf(hour.start) === start);
        const rollups = [...(before ? [before] : []), ...ofDay].map(({ rollup }) => rollup);
        return put(subject, dayKey(start), filedSchema.encode({ start, rollup: sumOf(rollups) }));
      }),
    );
  };

  const save = async (subject: string, { state, hours, incident }: Step): Promise<boolean> => {
    const first = state.revision === 1;
    const writeState: Put = {
      ...put(subject, STATE, stateSchema.encode(state)),
      ConditionExpression: first ? "attribute_not_exists(subject)" : "revision = :before",
      ...(!first && { ExpressionAttributeValues: marshall({ ":before": state.revision - 1 }) }),
    };
    try {
      if (hours.length === 0 && incident === undefined) {
        await dynamodb.send(new PutItemCommand(writeState as PutItem));
        return true;
      }
      // A day is only ever written together with the next revision: if it changed after it was read here, this fails.
      const history = [
        ...hours.map((hour) =>
          put(subject, hourKey(hour.start), { ...filedSchema.encode(hour), ttl: expiry(hour.start) }),
        ),
        ...(await daysWith(subject, hours)),
        ...(incident === undefined ? [] : [put(subject, incidentKey(incident.closedAt), incident)]),
      ];
      const TransactItems = [writeState, ...history].map((Put) => ({ Put }));
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems }));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  };

  const read: StateTable["read"] = async (subjects, deadline) => {
    const found = new Map<string, Remembered>();
    const keys = subjects.flatMap((subject) =>
      (isJob(subject) ? [STATE, REPORT] : [STATE]).map((item) => marshall({ subject, item })),
    );
    const send = async (batch: readonly Key[]): Promise<readonly Key[]> => {
      const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [...batch] } } });
      const { Responses, UnprocessedKeys } = await dynamodb.send(command);
      for (const item of Responses?.[table] ?? []) remember(found, unmarshall(item));
      return UnprocessedKeys?.[table]?.Keys ?? [];
    };
    const reading = { batchSize: KEYS_PER_READ, concurrency: CONCURRENT_READS, deadline, ...ports, send };
    const { items, errors } = await sendInBatches(keys, reading);
    if (items.length === 0) return found;
    throw new StateNotReadError(`${items.length} of ${keys.length} items not read from ${table}`, { cause: errors[0] });
  };

  const query = async (subject: string, prefix: string, fromKey: string): Promise<unknown[]> => {
    const items: unknown[] = [];
    let ExclusiveStartKey: Key | undefined;
    do {
      const page = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "subject = :subject AND #item BETWEEN :from AND :to",
          ExpressionAttributeNames: { "#item": "item" }, // a reserved word
          ExpressionAttributeValues: marshall({ ":subject": subject, ":from": fromKey, ":to": `${prefix}~` }),
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      items.push(...(page.Items ?? []).map((item) => unmarshall(item)));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return items;
  };

  /** A set's members come and go each for itself, so that rounds that run at one time don't undo each other's. */
  const changeWatched = async (change: "ADD" | "DELETE", subjects: readonly string[]): Promise<void> => {
    const command = new UpdateItemCommand({
      TableName: table,
      Key: marshall(ALL),
      UpdateExpression: `${change} subjects :subjects`,
      ExpressionAttributeValues: marshall({ ":subjects": new Set(subjects) }),
    });
    await dynamodb.send(command);
  };

  return {
    read,
    readOne,
    save,
    watched: async () => {
      try {
        return watchedSchema.parse((await readItem(ALL.subject, ALL.item)) ?? {}).subjects;
      } catch (cause) {
        throw new StateNotReadError(`who is watched not read from ${table}`, { cause });
      }
    },
    watch: (subjects) => changeWatched("ADD", subjects),
    unwatch: (subjects) => changeWatched("DELETE", subjects),
    history: async (subject, from) => {
      const [hours, days, incidents] = await Promise.all([
        query(subject, "hour#", hourKey(from.hours)),
        query(subject, "day#", dayKey(from.days)),
        query(subject, "incident#", incidentKey(from.incidents)),
      ]);
      return {
        hours: z.array(filedSchema).parse(hours),
        days: z.array(filedSchema).parse(days),
        incidents: z.array(closedIncidentSchema).parse(incidents),
      };
    },
    report: async (subject, at) => {
      const command = new UpdateItemCommand({
        TableName: table,
        Key: marshall({ subject, item: REPORT }),
        UpdateExpression: "SET reportedAt = :at",
        ConditionExpression: "attribute_not_exists(reportedAt) OR reportedAt < :at",
        ExpressionAttributeValues: marshall({ ":at": at }),
      });
      await dynamodb.send(command).catch((error: unknown) => {
        if (errorName(error) !== "ConditionalCheckFailedException") throw error;
      });
    },
  };
}

type Key = Record<string, AttributeValue>;
type PutItem = ConstructorParameters<typeof PutItemCommand>[0];

/** Partition keys. No target's name has a slash: a job may be called as a target is. */
export const subjectOf = {
  target: (name: string): string => name,
  job: (name: string): string => `job/${name}`,
} as const;

function isJob(subject: string): boolean {
  return subject.startsWith("job/");
}

function remember(found: Map<string, Remembered>, item: Record<string, unknown>): void {
  const subject = String(item["subject"]);
  const known =
    item["item"] === STATE
      ? { state: stateSchema.decode(item as z.input<typeof stateSchema>) }
      : { reportedAt: reportSchema.parse(item).reportedAt };
  found.set(subject, { ...found.get(subject), ...known });
}

/** Whether somebody else wrote between our reading and our writing. */
function isConflict(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return CONFLICTS.has(errorName(error));
  const codes = (error.CancellationReasons ?? []).map(({ Code = "None" }) => Code);
  return codes.every((code) => ["None", "ConditionalCheckFailed", "TransactionConflict"].includes(code));
}

const CONFLICTS = new Set(["ConditionalCheckFailedException", "TransactionConflictException"]);

const dayOf = (time: number) => time - (time % DAY_MS);
const dayKey = (start: number) => `day#${new Date(start).toISOString().slice(0, 10)}`;
const hourKey = (start: number) => `hour#${new Date(start).toISOString().slice(0, 13)}`;
const incidentKey = (closedAt: number) => `incident#${new Date(closedAt).toISOString()}`;
const expiry = (start: number) => Math.floor(start / 1_000) + HOUR_DAYS * DAY_SECONDS;
