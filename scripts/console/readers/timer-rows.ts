/** Reads timers from their table: the API would do, but each of its answers is an invocation, which the console would then show as work. */
import { BatchGetItemCommand, GetItemCommand, ScanCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import { timerResponse } from "../../../functions/timers/api/timer-response";
import type { TimerResponse } from "../../../functions/timers/api/api-types";
import type { AwsJson } from "../../../functions/shared/aws/aws-json";
import { systemClock } from "../../../functions/shared/clock";
import { errorMessage } from "../../../functions/shared/errors";
import type { StoredTimer, TimerKind } from "../../../functions/timers/schedule/timer";
import { readCursors } from "../../../functions/timers/storage/cursors";
import { timerTable } from "../../../functions/timers/storage/timer-table";
import type { Environment } from "./source";

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

const outputs = z.looseObject({ table_name: z.string() });

export async function readAllTimers(environment: Environment, now: number): Promise<ReadTimers> {
  const { table, dynamodb, name } = tableOf(environment);
  const stored: StoredTimer[] = [];
  const corrupt: string[] = [];
  await Promise.all(
    KINDS.map(async (kind) => {
      let after: string | undefined;
      do {
        const page = await table.list(kind, PAGE_ROWS, after);
        stored.push(...page.timers);
        corrupt.push(...page.corrupt.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
    }),
  );
  const shards = new Set(stored.map(({ shard }) => shard));
  const cursors = await readCursors(dynamodb, name, shards, ports);
  const timers: ReadTimer[] = [];
  for (const timer of stored)
    try {
      timers.push({ kind: timer.kind, response: timerResponse(timer, now, cursors.get(timer.shard) ?? 0) });
    } catch (error) {
      corrupt.push(`${timer.id}: ${errorMessage(error)}`);
    }
  return { timers, unreadable: corrupt };
}

/** @returns undefined when there is no such timer */
export async function readOneTimer(
  environment: Environment,
  { kind, id }: { readonly kind: TimerKind; readonly id: string },
  now: number,
): Promise<TimerResponse | undefined> {
  const { table, dynamodb, name } = tableOf(environment);
  const timer = await table.get({ kind, id });
  if (timer === undefined) return undefined;
  const cursors = await readCursors(dynamodb, name, [timer.shard], ports);
  return timerResponse(timer, now, cursors.get(timer.shard) ?? 0);
}

function tableOf({ dynamodb: client, features }: Environment) {
  const { table_name: name } = outputs.parse(features["timers"]);
  const dynamodb = awsJsonOf(client);
  return { dynamodb, name, table: timerTable(dynamodb, name, ports) };
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
        case "Scan":
          return JSON.stringify(await client.send(new ScanCommand(input as ScanCommand["input"])));
        default:
          throw new Error(`the console does not call ${target}`);
      }
    },
    close: () => undefined,
  };
}
