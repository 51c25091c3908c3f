/** Reads timers from their table: the API would do, but each of its answers is an invocation, which the console would then show as work. */
import { BatchGetItemCommand, GetItemCommand, QueryCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { fireResponse, timerResponse, type TimerStatus } from "../../../functions/timers/api/timer-response";
import { TIMER_PARTITIONS } from "../../../functions/timers/contract";
import { preview } from "../../../functions/timers/api/verbs";
import type { FireResponse, TimerResponse } from "../../../functions/timers/api/api-types";
import type { AwsJson } from "../../../functions/shared/aws/aws-json";
import { systemClock } from "../../../functions/shared/clock";
import { errorMessage } from "../../../functions/shared/errors";
import type { StoredTimer, TimerKind } from "../../../functions/timers/schedule/timer";
import { readCursors } from "../../../functions/timers/storage/cursors";
import { cursorOf, type ShardCursors } from "../../../functions/timers/storage/shard-cursor";
import { history } from "../../../functions/timers/storage/history";
import { timerTable, type ListKey } from "../../../functions/timers/storage/timer-table";
import type { Values } from "../actions/actions";
import type { Environment } from "./source";
import { changeOf } from "./timer-change";

export type WithTimers = Pick<Environment, "dynamodb" | "features">;

export interface ReadTimer {
  readonly kind: TimerKind;
  readonly response: TimerResponse;
}

export interface ReadTimers {
  readonly timers: readonly ReadTimer[];
  /** Rows that cannot be read: their timers do not fire. */
  readonly unreadable: readonly string[];
}

const KINDS = ["periodic", "oneshot"] as const;

/** Rows of a page: DynamoDB ends it at 1 MB. */
const PAGE_ROWS = 2_000;

const ports = { clock: systemClock, random: Math.random };

const outputs = z.looseObject({ table_name: z.string(), history_table_name: z.string() });

export async function readAllTimers(environment: WithTimers, now: number): Promise<ReadTimers> {
  const { table, dynamodb, name } = tableOf(environment);
  const stored: StoredTimer[] = [];
  const corrupt: string[] = [];
  await Promise.all(
    KINDS.map(async (kind) => {
      for (let partition = 0; partition < TIMER_PARTITIONS; partition++) {
        let after: ListKey | undefined;
        do {
          const page = await table.list({ kind, partition }, PAGE_ROWS, after);
          stored.push(...page.timers);
          corrupt.push(...page.corrupt.map(({ id }) => id));
          after = page.next;
        } while (after !== undefined);
      }
    }),
  );
  const shards = new Set(stored.map(({ shard }) => shard));
  const cursors = await readCursors(dynamodb, name, shards, ports);
  const timers: ReadTimer[] = [];
  for (const timer of stored)
    try {
      timers.push({ kind: timer.kind, response: timerResponse(timer, now, statusOf(timer, cursors)) });
    } catch (error) {
      corrupt.push(`${timer.id}: ${errorMessage(error)}`);
    }
  return { timers, unreadable: corrupt };
}

/** Without the last fire: a list would read one for each timer. */
function statusOf(timer: StoredTimer, cursors: ShardCursors): TimerStatus {
  return { cursor: cursorOf(timer, cursors), recorded: false };
}

export interface ReadOneTimer {
  readonly response: TimerResponse;
  /** What its change begins with. */
  readonly change: Values;
  /** The next due times; none while it is paused. */
  readonly preview: readonly string[];
  /** The latest that are recorded. */
  readonly fires: readonly FireResponse[];
}

/** @returns undefined when there is no such timer */
export async function readOneTimer(
  environment: Environment,
  { kind, id }: { readonly kind: TimerKind; readonly id: string },
  { now, fires: limit, previewed }: { readonly now: number; readonly fires: number; readonly previewed: number },
): Promise<ReadOneTimer | undefined> {
  const { table, dynamodb, name, historyName } = tableOf(environment);
  const timer = await table.get({ kind, id });
  if (timer === undefined) return undefined;
  const cursors = await readCursors(dynamodb, name, [timer.shard], ports);
  const { fires } = await history(dynamodb, historyName, ports).read(timer, limit);
  const status = { ...statusOf(timer, cursors), recorded: fires.length > 0, lastFire: fires[0] };
  const response = timerResponse(timer, now, status);
  return {
    response,
    change: changeOf(timer, response.schedule, now),
    preview: timer.enabled ? preview(timer, previewed, now).fires : [],
    fires: fires.map(fireResponse),
  };
}

function tableOf({ dynamodb: client, features }: WithTimers) {
  const { table_name: name, history_table_name: historyName } = outputs.parse(features["timers"]);
  const dynamodb = awsJsonOf(client);
  return { dynamodb, name, historyName, table: timerTable(dynamodb, name, ports) };
}

/** The functions' own client needs keys that do not change; the viewer's credentials may be renewed meanwhile. */
function awsJsonOf(client: DynamoDBClient): AwsJson {
  return {
    call: async (target, body) => {
      const input: unknown = JSON.parse(body);
      switch (target.split(".")[1]) {
        case "GetItem":
          return JSON.stringify(await client.send(new GetItemCommand(input as GetItemCommand["input"])));
        case "BatchGetItem":
          return JSON.stringify(await client.send(new BatchGetItemCommand(input as BatchGetItemCommand["input"])));
        case "Query":
          return JSON.stringify(await client.send(new QueryCommand(input as QueryCommand["input"])));
        default:
          throw new Error(`the console does not call ${target}`);
      }
    },
    close: () => undefined,
  };
}
