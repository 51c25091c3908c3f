/** The state table: each monitor's state, last heartbeat, hourly and daily roll-ups, and closed incidents. */
import {
  BatchGetItemCommand,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type Put,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { AwsJson } from "../../shared/aws/aws-json";
import { sendInBatches } from "../../shared/aws/batches";
import { valuesOf } from "../../shared/aws/item";
import type { Clock } from "../../shared/clock";
import { errorName } from "../../shared/errors";
import { describeIssues } from "../../shared/input";
import { RELEASE_LEASE, SET_LEASE, acquireLease, ownLease, type LeaseRequest } from "../../shared/resilience/lease";
import { REPORT_ITEM } from "../../shared/schedule-monitor";
import { instantSchema } from "../../shared/instant";
import { DAY_SECONDS, SECOND_MS, startOfUtcDay } from "../../shared/time";
import { jobSchema, type Job, type JobEvent, type JobReport } from "./job";
import { isReportedKey } from "./policy";
import { rollupCodec, sumOf } from "./roll-up";
import {
  closedIncidentSchema,
  stateSchema,
  type ClosedIncident,
  type MonitorState,
  type PeriodRollup,
  type Transition,
} from "./state";

/** BatchGetItem's limit. */
const KEYS_PER_READ = 100;
const CONCURRENT_READS = 4;

/** Retention of hourly roll-ups. The status page shows 24 hours; the others are for investigations. */
const HOUR_RETENTION_DAYS = 10;

/** Items could not be read. */
class StateReadError extends Error {
  override readonly name = "StateReadError";
}

/** The registry's item is malformed. */
export class MalformedRegistryError extends Error {
  override readonly name = "MalformedRegistryError";
}

export interface StoredMonitor {
  readonly state?: MonitorState;
  /** Cron monitors: what the job has reported. */
  readonly job?: Job;
  /** An item of the monitor is malformed. It affects this monitor only. */
  readonly unreadable?: Error;
}

export interface StoredHistory {
  readonly hours: readonly PeriodRollup[];
  /** By UTC day. Today's has the hours completed so far. */
  readonly days: readonly PeriodRollup[];
  readonly incidents: readonly ClosedIncident[];
}

/** Monitors are named by their key, see `monitorKey`. Times are epoch milliseconds. */
export interface StateTable {
  /** @throws {@link StateReadError} when DynamoDB throttles until the deadline, not for a malformed item */
  read(keys: readonly string[], deadline: number): Promise<ReadonlyMap<string, StoredMonitor>>;
  readOne(key: string): Promise<MonitorState | undefined>;
  /**
   * Stores a transition, all or nothing, if the stored state is still the one it was made from. Returns false otherwise. A
   * transaction where an hour or an incident ends, else a single write.
   */
  save(key: string, transition: Transition): Promise<boolean>;
  /** Without malformed items. @param from the earliest of each kind */
  history(
    key: string,
    from: { readonly hours: number; readonly days: number; readonly incidents: number },
  ): Promise<StoredHistory>;
  /**
   * The registry: configured monitors, and removed ones whose incidents are not closed and notified yet.
   *
   * @throws {@link MalformedRegistryError}, {@link StateReadError}
   */
  registered(): Promise<ReadonlySet<string>>;
  register(keys: readonly string[]): Promise<void>;
  /** Their states and histories stay. */
  deregister(keys: readonly string[]): Promise<void>;
  /** The latest report of each kind wins. */
  recordReport(key: string, report: JobReport, at: number): Promise<void>;
  /** The log of the last run that ended. */
  readLog(key: string): Promise<string | undefined>;
  /** The lease for delivering notifications: one run at a time. Returns false while another run holds it. */
  acquireDelivery(lease: LeaseRequest): Promise<boolean>;
  releaseDelivery(owner: string): Promise<void>;
}

const STATE = "state";

/** No monitor's key is `*`. */
export const REGISTRY = { monitor: "*", item: "registry" } as const;
const DELIVERY = { monitor: "*", item: "delivery" } as const;
const registrySchema = z.object({ monitors: z.set(z.string()).default(new Set()) });

const periodSchema = z.object({ start: instantSchema, rollup: rollupCodec });
const storedStateSchema = z.object({ state: stateSchema });
const storedJobSchema = z.object({ job: jobSchema });

export interface StateTablePorts {
  readonly clock: Clock;
  readonly random: () => number;
  /** For the writes of a run, one for each monitor. @default the SDK's client, of which a write takes as much CPU as half a check */
  readonly json?: AwsJson;
}

export function stateTable(dynamodb: DynamoDBClient, table: string, ports: StateTablePorts): StateTable {
  const { json } = ports;
  const putItem = async (item: PutItemCommandInput): Promise<void> => {
    if (json === undefined) await dynamodb.send(new PutItemCommand(item));
    else await json.call("DynamoDB_20120810.PutItem", JSON.stringify(item));
  };
  const readItem = async (monitor: string, item: string): Promise<unknown> => {
    const command = new GetItemCommand({ TableName: table, Key: marshall({ monitor, item }), ConsistentRead: true });
    const { Item } = await dynamodb.send(command);
    return Item && valuesOf(Item);
  };
  const put = (monitor: string, item: string, fields: object): Put => ({
    TableName: table,
    Item: marshall({ monitor, item, ...fields }, { removeUndefinedValues: true }),
  });
  const readOne = async (key: string): Promise<MonitorState | undefined> => {
    const item = await readItem(key, STATE);
    return item === undefined ? undefined : stateSchema.decode(item as z.input<typeof stateSchema>);
  };

  /** The days' items with these hours added. Safe only in a transaction with the next revision, see `save`. */
  const addToDays = async (key: string, hours: readonly PeriodRollup[]): Promise<Put[]> => {
    const starts = new Set(hours.map(({ start }) => startOfUtcDay(start)));
    return Promise.all(
      [...starts].map(async (start) => {
        const before = periodSchema.optional().parse(await readItem(key, dayKey(start)));
        const added = hours.filter((hour) => startOfUtcDay(hour.start) === start);
        const rollups = [...(before ? [before] : []), ...added].map(({ rollup }) => rollup);
        return put(key, dayKey(start), periodSchema.encode({ start, rollup: sumOf(rollups) }));
      }),
    );
  };

  const save = async (key: string, { state, hours, incident }: Transition): Promise<boolean> => {
    const first = state.revision === 1;
    const writeState: Put = {
      ...put(key, STATE, stateSchema.encode(state)),
      ConditionExpression: first ? "attribute_not_exists(monitor)" : "revision = :before",
      ...(!first && { ExpressionAttributeValues: marshall({ ":before": state.revision - 1 }) }),
    };
    try {
      if (hours.length === 0 && incident === undefined) {
        await putItem(writeState);
        return true;
      }
      // A day changes only together with the revision, so the condition also covers the days read here.
      const history = [
        ...hours.map((hour) =>
          put(key, hourKey(hour.start), { ...periodSchema.encode(hour), ttl: expiresAt(hour.start) }),
        ),
        ...(await addToDays(key, hours)),
        ...(incident === undefined ? [] : [put(key, incidentKey(incident.closedAt), incident)]),
      ];
      const TransactItems = [writeState, ...history].map((Put) => ({ Put }));
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems }));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  };

  const read: StateTable["read"] = async (monitorKeys, deadline) => {
    const stored = new Map<string, StoredMonitor>();
    const keys = monitorKeys.flatMap((monitor) =>
      (isReportedKey(monitor) ? [STATE, REPORT_ITEM] : [STATE]).map((item) => marshall({ monitor, item })),
    );
    const send = async (batch: readonly Key[]): Promise<readonly Key[]> => {
      const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [...batch] } } });
      const { Responses, UnprocessedKeys } = await dynamodb.send(command);
      for (const item of Responses?.[table] ?? []) addItem(stored, valuesOf(item));
      return UnprocessedKeys?.[table]?.Keys ?? [];
    };
    const reading = { batchSize: KEYS_PER_READ, concurrency: CONCURRENT_READS, deadline, ...ports, send };
    const { items, errors } = await sendInBatches(keys, reading);
    if (items.length === 0) return stored;
    throw new StateReadError(`${items.length} of ${keys.length} items not read from ${table}`, { cause: errors[0] });
  };

  const query = async (key: string, prefix: string, fromKey: string): Promise<unknown[]> => {
    const items: unknown[] = [];
    let ExclusiveStartKey: Key | undefined;
    do {
      const page = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "monitor = :monitor AND #item BETWEEN :from AND :to",
          ExpressionAttributeNames: { "#item": "item" }, // a reserved word
          ExpressionAttributeValues: marshall({ ":monitor": key, ":from": fromKey, ":to": `${prefix}~` }),
          ...(ExclusiveStartKey && { ExclusiveStartKey }),
        }),
      );
      items.push(...(page.Items ?? []).map((item) => valuesOf(item)));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return items;
  };

  /** ADD and DELETE change members of the set independently, so concurrent runs do not overwrite each other. */
  const changeRegistry = async (change: "ADD" | "DELETE", keys: readonly string[]): Promise<void> => {
    const command = new UpdateItemCommand({
      TableName: table,
      Key: marshall(REGISTRY),
      UpdateExpression: `${change} monitors :monitors`,
      ExpressionAttributeValues: marshall({ ":monitors": new Set(keys) }),
    });
    await dynamodb.send(command);
  };

  /** Returns whether the condition held. */
  const updateIf = async (update: Omit<UpdateItemCommandInput, "TableName">): Promise<boolean> => {
    try {
      await dynamodb.send(new UpdateItemCommand({ TableName: table, ...update }));
      return true;
    } catch (error) {
      if (errorName(error) === "ConditionalCheckFailedException") return false;
      throw error;
    }
  };

  return {
    read,
    readOne,
    save,
    registered: async () => {
      const item = await readItem(REGISTRY.monitor, REGISTRY.item).catch((cause: unknown) => {
        throw new StateReadError(`the monitor registry was not read from ${table}`, { cause });
      });
      const parsed = registrySchema.safeParse(item ?? {});
      if (parsed.success) return parsed.data.monitors;
      throw new MalformedRegistryError(`the monitor registry: ${describeIssues(parsed.error, registrySchema)}`);
    },
    register: (keys) => changeRegistry("ADD", keys),
    deregister: (keys) => changeRegistry("DELETE", keys),
    history: async (key, from) => {
      const [hours, days, incidents] = await Promise.all([
        query(key, "hour#", hourKey(from.hours)),
        query(key, "day#", dayKey(from.days)),
        query(key, "incident#", incidentKey(from.incidents)),
      ]);
      return {
        hours: readable(periodSchema, hours),
        days: readable(periodSchema, days),
        incidents: readable(closedIncidentSchema, incidents),
      };
    },
    recordReport: async (monitor, report, at) => {
      await updateIf({ Key: marshall({ monitor, item: REPORT_ITEM }), ...reportUpdate(report, at) });
    },
    readLog: async (key) => logSchema.parse((await readItem(key, REPORT_ITEM)) ?? {}).log,
    acquireDelivery: (lease) => {
      const { condition, values } = acquireLease(lease);
      return updateIf({
        Key: marshall(DELIVERY),
        UpdateExpression: `SET ${SET_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      });
    },
    releaseDelivery: async (owner) => {
      const { condition, values } = ownLease(owner);
      await updateIf({
        Key: marshall(DELIVERY),
        UpdateExpression: `REMOVE ${RELEASE_LEASE}`,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
      });
    },
  };
}

const REPORT_ATTRIBUTES: Readonly<Record<JobEvent, string>> = {
  success: "heartbeatAt",
  start: "startedAt",
  fail: "failedAt",
};

const logSchema = z.object({ log: z.string().optional() });

/** The end of a run replaces what was reported of an earlier one, also by nothing. */
function reportUpdate({ event, ...details }: JobReport, at: number) {
  const attribute = REPORT_ATTRIBUTES[event];
  const fields = event === "start" ? [] : (["exitCode", "durationMs", "log"] as const);
  const given = fields.filter((name) => details[name] !== undefined);
  const set = [
    `${attribute} = :at`,
    ...given.map((name) => `#${name} = :${name}`),
    ...(event === "start" ? [] : ["runStartedAt = if_not_exists(startedAt, :at)"]),
  ];
  const removed = [...fields.filter((name) => !given.includes(name)).map((name) => `#${name}`), "startedAt"];
  return {
    UpdateExpression: `SET ${set.join(", ")}${event === "start" ? "" : ` REMOVE ${removed.join(", ")}`}`,
    ConditionExpression: `attribute_not_exists(${attribute}) OR ${attribute} < :at`,
    // log is a reserved word
    ...(fields.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(fields.map((name) => [`#${name}`, name])),
    }),
    ExpressionAttributeValues: marshall({
      ":at": at,
      ...Object.fromEntries(given.map((name) => [`:${name}`, details[name]])),
    }),
  };
}

/** One malformed item must not hide the others. */
function readable<Schema extends z.ZodType>(schema: Schema, items: readonly unknown[]): z.output<Schema>[] {
  return items.flatMap((item) => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [parsed.data] : [];
  });
}

type Key = Record<string, AttributeValue>;

function addItem(stored: Map<string, StoredMonitor>, item: Record<string, unknown>): void {
  const key = String(item["monitor"]);
  const schema = item["item"] === STATE ? storedStateSchema : storedJobSchema;
  const parsed = schema.safeParse(item["item"] === STATE ? { state: item } : { job: item });
  const fields = parsed.success
    ? parsed.data
    : { unreadable: new StateReadError(`${key}: ${describeIssues(parsed.error, schema)}`) };
  stored.set(key, { ...stored.get(key), ...fields });
}

/** Whether another invocation wrote between our read and our write. */
function isConflict(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return CONFLICTS.has(errorName(error));
  const codes = (error.CancellationReasons ?? []).map(({ Code = "None" }) => Code);
  return codes.every((code) => ["None", "ConditionalCheckFailed", "TransactionConflict"].includes(code));
}

const CONFLICTS = new Set(["ConditionalCheckFailedException", "TransactionConflictException"]);

const dayKey = (start: number) => `day#${new Date(start).toISOString().slice(0, 10)}`;
const hourKey = (start: number) => `hour#${new Date(start).toISOString().slice(0, 13)}`;
const incidentKey = (closedAt: number) => `incident#${new Date(closedAt).toISOString()}`;
const expiresAt = (start: number) => Math.floor(start / SECOND_MS) + HOUR_RETENTION_DAYS * DAY_SECONDS;
