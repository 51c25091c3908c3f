/** The runs table: a row for each run, and each schedule's state. */
import type {
  AttributeValue,
  BatchGetItemCommandInput,
  PutItemCommandInput,
  QueryCommandInput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { valuesOf } from "../../shared/aws/item";
import { errorName } from "../../shared/errors";
import { DAY_SECONDS } from "../../shared/time";
import {
  RUN_DAYS,
  RUN_KEYS,
  STATES,
  runSchema,
  stateSchema,
  type Outcome,
  type Run,
  type ScheduleState,
} from "../contract";
import type { LostAttempt } from "../plan/plan";
import type { Failure } from "../plan/end-attempt";

/** What the table asks of DynamoDB. */
export interface DynamoInputs {
  readonly BatchGetItem: BatchGetItemCommandInput;
  readonly PutItem: PutItemCommandInput;
  readonly Query: QueryCommandInput;
  readonly UpdateItem: UpdateItemCommandInput;
}

/** One call of DynamoDB: with the SDK's client, or the small one of functions. Errors are named as AWS names them. */
export type DynamoCall = <Action extends keyof DynamoInputs>(
  action: Action,
  input: DynamoInputs[Action],
) => Promise<unknown>;

type Item = Record<string, AttributeValue>;

/** BatchGetItem's limit. */
const KEYS_PER_READ = 100;

const itemSchema = z.custom<Item>((item) => typeof item === "object" && item !== null);
const pageSchema = z.looseObject({ Items: z.array(itemSchema).default([]), LastEvaluatedKey: itemSchema.optional() });
const itemResponseSchema = z.looseObject({ Item: itemSchema.optional(), Attributes: itemSchema.optional() });
const batchSchema = z.looseObject({
  Responses: z.record(z.string(), z.array(itemSchema)).default({}),
  UnprocessedKeys: z.record(z.string(), z.looseObject({ Keys: z.array(itemSchema) })).default({}),
});

/** Identifies a run. */
export type RunKey = Pick<Run, "schedule" | "run">;

/** What an attempt that has ended leaves in its row. */
export type AttemptEnd =
  | { readonly outcome: "succeeded"; readonly result?: string; readonly resultNote?: string }
  | ({ readonly reason: string } & Failure);

export interface RunsTable {
  /** All schedules' states by name. A state that cannot be read is left out: the next tick begins a new one. */
  states(): Promise<ReadonlyMap<string, ScheduleState>>;
  /** Those that exist. */
  read(keys: readonly RunKey[]): Promise<readonly Run[]>;
  /** The latest first. With an outcome: only those, for which it reads all rows where they are rare. */
  list(schedule: string, limit: number, outcome?: Outcome): Promise<readonly Run[]>;
  /** Creates a run's row, unless it exists. @returns the row that exists now */
  create(run: Run): Promise<Run>;
  /** Moves a schedule's cursor from where it was. @returns false when it is elsewhere, or the schedule was paused or resumed meanwhile */
  advance(name: string, before: ScheduleState | undefined, after: Advance): Promise<boolean>;
  /** Ends the state of a schedule that is no longer configured: with this name, another one begins anew. Runs that are open stay so. */
  forget(name: string, before: ScheduleState): Promise<void>;
  /** Notes by when the monitor expects the next run; undefined: none is due. */
  markExpected(name: string, expectedBefore: number | undefined): Promise<void>;
  /** Adds a run to those that the keeper follows. */
  follow(key: RunKey): Promise<void>;
  close(name: string, runs: readonly string[]): Promise<void>;
  markInvoked(run: Run, now: number): Promise<void>;
  /** @returns false when the attempt has ended after all */
  markLost(lost: LostAttempt, now: number): Promise<boolean>;
  /** Begins an attempt. @returns the row; undefined when the attempt has begun before, or is no longer wanted */
  claim(key: RunKey, claim: Claim): Promise<Run | undefined>;
  /** Ends an attempt. @returns false when another has taken it over */
  end(run: Run, end: AttemptEnd, now: number): Promise<boolean>;
  /** @returns false for a schedule that the keeper has not seen yet */
  pause(name: string, now: number): Promise<boolean>;
  /** Due instants since the pause are neither run nor missed. */
  resume(name: string, now: number): Promise<void>;
}

export interface Advance {
  readonly cursor: number;
  readonly fingerprint: string;
  readonly opened: readonly string[];
}

export interface Claim {
  readonly attempt: number;
  /** Unique for each invocation. */
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly deadline: number;
  readonly log?: Run["log"];
}

export function runsTable(call: DynamoCall, TableName: string): RunsTable {
  const keyOf = ({ schedule, run }: RunKey): Item => marshall({ [RUN_KEYS.partition]: schedule, [RUN_KEYS.sort]: run });
  const update = (key: RunKey, input: UpdateInput) => updateItem(call, { TableName, Key: keyOf(key) }, input);

  const read = async (keys: readonly RunKey[]): Promise<readonly Run[]> => {
    const runs: Run[] = [];
    let left = keys.map(keyOf);
    while (left.length > 0) {
      const Keys = left.slice(0, KEYS_PER_READ);
      const request = { RequestItems: { [TableName]: { Keys, ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = batchSchema.parse(await call("BatchGetItem", request));
      runs.push(...(Responses[TableName] ?? []).flatMap(runOf));
      left = [...left.slice(KEYS_PER_READ), ...(UnprocessedKeys[TableName]?.Keys ?? [])];
    }
    return runs;
  };

  return {
    states: async () => {
      const items = await queryAll(call, {
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: "schedule = :states",
        ExpressionAttributeValues: marshall({ ":states": STATES }),
      });
      return new Map(
        items.flatMap((item) => {
          const row = valuesOf(item);
          const state = stateSchema.safeParse(row).data;
          return state === undefined ? [] : [[String(row[RUN_KEYS.sort]), state] as const];
        }),
      );
    },

    read,

    list: async (schedule, limit, outcome) => {
      const input = {
        TableName,
        KeyConditionExpression: "schedule = :schedule",
        ...(outcome === undefined ? { Limit: limit } : { FilterExpression: "outcome = :outcome" }),
        ExpressionAttributeValues: marshall({ ":schedule": schedule, ...(outcome && { ":outcome": outcome }) }),
        ScanIndexForward: false,
      };
      return (await queryAll(call, input, limit)).flatMap(runOf);
    },

    create: async (run) => {
      const expiry = Math.floor(run.dueAt / 1_000) + RUN_DAYS * DAY_SECONDS;
      const Item = marshall({ ...run, [RUN_KEYS.timeToLive]: expiry }, { removeUndefinedValues: true });
      try {
        const ConditionExpression = "attribute_not_exists(schedule)";
        await call("PutItem", { TableName, Item, ConditionExpression });
        return run;
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        const [existing = run] = await read([run]);
        return existing;
      }
    },

    advance: async (name, before, { cursor, fingerprint, opened }) =>
      (await update(stateKey(name), {
        expression: [
          "SET #cursor = :cursor, fingerprint = :fingerprint",
          ...(opened.length > 0 ? ["ADD #open :opened"] : []),
        ].join(" "),
        condition:
          before === undefined
            ? "attribute_not_exists(#cursor)"
            : `#cursor = :before AND ${before.pausedAt === undefined ? "attribute_not_exists(pausedAt)" : "attribute_exists(pausedAt)"}`,
        names: { "#cursor": "cursor", ...(opened.length > 0 && { "#open": "open" }) },
        values: {
          ":cursor": cursor,
          ":fingerprint": fingerprint,
          ...(opened.length > 0 && { ":opened": new Set(opened) }),
          ...(before !== undefined && { ":before": before.cursor }),
        },
      })) !== undefined,

    forget: async (name, { cursor }) => {
      await update(stateKey(name), {
        expression: "REMOVE #cursor, fingerprint, pausedAt, expectedBefore",
        condition: "#cursor = :before",
        names: { "#cursor": "cursor" },
        values: { ":before": cursor },
      });
    },

    markExpected: async (name, expectedBefore) => {
      await update(
        stateKey(name),
        expectedBefore === undefined
          ? { expression: "REMOVE expectedBefore" }
          : { expression: "SET expectedBefore = :expectedBefore", values: { ":expectedBefore": expectedBefore } },
      );
    },

    follow: async ({ schedule, run }) => {
      await update(stateKey(schedule), {
        expression: "ADD #open :opened",
        names: { "#open": "open" },
        values: { ":opened": new Set([run]) },
      });
    },

    close: async (name, runs) => {
      await update(stateKey(name), {
        expression: "DELETE #open :closed",
        names: { "#open": "open" },
        values: { ":closed": new Set(runs) },
      });
    },

    markInvoked: async (run, now) => {
      await update(run, {
        expression: "SET invokedAt = :now ADD invocations :one",
        condition: "attempt = :attempt AND outcome IN (:queued, :retrying)",
        values: { ":now": now, ":one": 1, ":attempt": run.attempt, ":queued": "queued", ":retrying": "retrying" },
      });
    },

    markLost: async ({ run, reason, failure }, now) =>
      (await update(run, ended(run, { reason, ...failure }, now))) !== undefined,

    claim: async (key, { attempt, owner, now, deadline, log }) => {
      const item = await update(key, {
        expression: [
          "SET outcome = :running, #owner = :owner, deadline = :deadline, attemptStartedAt = :now",
          "startedAt = if_not_exists(startedAt, :now)",
          ...(log === undefined ? [] : ["#log = :log"]),
        ].join(", "),
        // The owner may claim it again: a request whose response was lost is sent again.
        condition: "attempt = :attempt AND (outcome IN (:queued, :retrying) OR outcome = :running AND #owner = :owner)",
        names: { "#owner": "owner", ...(log !== undefined && { "#log": "log" }) },
        values: {
          ":running": "running",
          ":owner": owner,
          ":deadline": deadline,
          ":now": now,
          ":attempt": attempt,
          ":queued": "queued",
          ":retrying": "retrying",
          ...(log !== undefined && { ":log": log }),
        },
        returns: "ALL_NEW",
      });
      return item === undefined ? undefined : runOf(item)[0];
    },

    end: async (run, end, now) => (await update(run, ended(run, end, now))) !== undefined,

    pause: async (name, now) =>
      (await update(stateKey(name), {
        expression: "SET pausedAt = if_not_exists(pausedAt, :now)",
        condition: "attribute_exists(#cursor)",
        names: { "#cursor": "cursor" },
        values: { ":now": now },
      })) !== undefined,

    resume: async (name, now) => {
      await update(stateKey(name), {
        expression: "SET #cursor = :now REMOVE pausedAt",
        condition: "attribute_exists(pausedAt)",
        names: { "#cursor": "cursor" },
        values: { ":now": now },
      });
    },
  };
}

const stateKey = (name: string): RunKey => ({ schedule: STATES, run: name });

/** A row that is no run is left out: another program wrote it. */
function runOf(item: Item): readonly Run[] {
  const run = runSchema.safeParse(valuesOf(item)).data;
  return run === undefined ? [] : [run];
}

/** The write at an attempt's end, by its owner or by the keeper. */
function ended(run: Run, end: AttemptEnd, now: number): UpdateInput {
  const { outcome, attempt, owner } = run;
  const isOver = end.outcome !== "retrying";
  const attributes: Record<string, unknown> = {
    outcome: end.outcome,
    ...(isOver && { endedAt: now }),
    ...(outcome === "running" && run.attemptStartedAt !== undefined && { durationMs: now - run.attemptStartedAt }),
    ...("reason" in end && { reason: end.reason }),
    ...(end.outcome === "retrying" && { attempt: end.attempt, nextAttemptAt: end.nextAttemptAt, invocations: 0 }),
    ...(end.outcome === "succeeded" && { result: end.result, resultNote: end.resultNote }),
  };
  const set = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const removed = ["#owner", "deadline", "invokedAt", ...(isOver ? ["nextAttemptAt"] : [])];
  const before = `#outcome = :before AND ${isOver ? "attempt" : "#attempt"} = :thisAttempt${owner === undefined ? "" : " AND #owner = :owner"}`;
  // A request whose response was lost is sent again.
  const written = `#outcome = :outcome AND ${isOver ? "#endedAt = :endedAt" : "#attempt = :attempt AND #nextAttemptAt = :nextAttemptAt"}`;
  return {
    expression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(", ")} REMOVE ${removed.join(", ")}`,
    condition: `${before} OR ${written}`,
    names: { "#owner": "owner", ...Object.fromEntries(set.map(([name]) => [`#${name}`, name])) },
    values: {
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
      ":before": outcome,
      ":thisAttempt": attempt,
      ...(owner !== undefined && { ":owner": owner }),
    },
  };
}

interface UpdateInput {
  readonly expression: string;
  readonly condition?: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly returns?: "ALL_NEW";
}

/** @returns the new item, empty unless asked for; undefined when the condition does not hold */
export async function updateItem(
  call: DynamoCall,
  target: { readonly TableName: string; readonly Key: Item },
  { expression, condition, names, values, returns }: UpdateInput,
): Promise<Item | undefined> {
  try {
    const response = await call("UpdateItem", {
      ...target,
      UpdateExpression: expression,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(names && { ExpressionAttributeNames: names }),
      ...(values && { ExpressionAttributeValues: marshall(values) }),
      ...(returns && { ReturnValues: returns }),
    });
    return itemResponseSchema.parse(response).Attributes ?? {};
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw error;
  }
}

async function queryAll(call: DynamoCall, input: QueryCommandInput, limit = Infinity): Promise<readonly Item[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page = await call("Query", { ...input, ...(from && { ExclusiveStartKey: from }) });
    const { Items, LastEvaluatedKey } = pageSchema.parse(page);
    items.push(...Items);
    from = LastEvaluatedKey;
  } while (from !== undefined && items.length < limit);
  return items.slice(0, limit);
}

const isConditionFailure = (error: unknown): boolean => errorName(error) === "ConditionalCheckFailedException";
