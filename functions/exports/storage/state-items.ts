/** Calls of the state table: what runs and segments have in common. */
import {
  GetItemCommand,
  paginateQuery,
  TransactWriteItemsCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { valuesOf } from "../../shared/aws/item";
import type { Clock } from "../../shared/clock";
import { errorMessage, errorName } from "../../shared/errors";
import { parseInput } from "../../shared/input";
import { DAY_SECONDS } from "../../shared/time";
import type { THROTTLING_ERRORS } from "../contract";

/** How long runs, segments and parts are kept. Manifests do not expire. */
const RETENTION_DAYS = 90;

/** Sort key of an item that is alone in its partition, or describes it. */
export const STATE = "state";

export type StateItems = ReturnType<typeof stateItems>;

export function stateItems(dynamodb: DynamoDBClient, table: string, clock: Clock) {
  const ttl = (): number => Math.floor(clock.now() / 1_000) + RETENTION_DAYS * DAY_SECONDS;

  const read = async (pk: string, sk: string): Promise<Record<string, unknown> | undefined> => {
    const key = { TableName: table, Key: marshall({ pk, sk }), ConsistentRead: true };
    const { Item } = await dynamodb.send(new GetItemCommand(key));
    return Item && valuesOf(Item);
  };

  /** @param latest at most this number of rows, the last first. @default all, in their order */
  const query = async (
    pk: string,
    prefix = "",
    { latest }: { readonly latest?: number } = {},
  ): Promise<readonly Record<string, unknown>[]> => {
    const items: Record<string, unknown>[] = [];
    const pages = paginateQuery(
      { client: dynamodb, ...(latest !== undefined && { pageSize: latest }) },
      {
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: `pk = :pk${prefix === "" ? "" : " AND begins_with(sk, :prefix)"}`,
        ExpressionAttributeValues: marshall({ ":pk": pk, ...(prefix !== "" && { ":prefix": prefix }) }),
        ...(latest !== undefined && { ScanIndexForward: false }),
      },
    );
    for await (const { Items = [] } of pages) {
      items.push(...Items.map(valuesOf));
      if (items.length >= (latest ?? Infinity)) break;
    }
    return items.slice(0, latest);
  };

  /** @returns false when a condition failed */
  const transact = async (items: TransactWriteItem[]): Promise<boolean> => {
    try {
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: items }));
      return true;
    } catch (error) {
      const codes = cancellationCodes(error);
      if (codes.includes("ConditionalCheckFailed")) return false;
      if (codes.some((code) => PASSING_CANCELLATIONS.has(code)))
        throw new TransactionThrottledError(errorMessage(error), { cause: error });
      throw error;
    }
  };

  const update = (
    pk: string,
    sk: string,
    expression: string,
    values: Readonly<Record<string, unknown>>,
    condition?: string,
  ) => {
    // DynamoDB rejects names that no expression uses.
    const names = Object.fromEntries(
      [...new Set(`${expression} ${condition ?? ""}`.match(/#\w+/g))].map((name) => [name, name.slice(1)]),
    );
    return {
      TableName: table,
      Key: marshall({ pk, sk }),
      UpdateExpression: expression,
      ...(condition !== undefined && { ConditionExpression: condition }),
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ...(Object.keys(values).length > 0 && {
        ExpressionAttributeValues: marshall(values, { removeUndefinedValues: true }),
      }),
    };
  };

  const put = (item: Readonly<Record<string, unknown>>): TransactWriteItem => ({
    Put: { TableName: table, Item: marshall(item, { removeUndefinedValues: true }) },
  });

  return { dynamodb, table, clock, ttl, read, query, transact, update, put };
}

/** A row was changed by hand, or by another version. The message names it, and what is wrong. */
export class UnreadableRowError extends Error {
  override readonly name = "UnreadableRowError";
}

/** @throws {@link UnreadableRowError} */
export function parseRow<Output>(schema: z.ZodType<Output>, row: Readonly<Record<string, unknown>>): Output {
  try {
    return parseInput(schema, row);
  } catch (cause) {
    throw new UnreadableRowError(
      `the row "${String(row["sk"])}" of "${String(row["pk"])}" in the state table cannot be read (${errorMessage(cause)}): ` +
        "it was changed by hand, or by another version of Almanac",
      { cause },
    );
  }
}

/** Of a single write. */
export function isConditionFailed(error: unknown): boolean {
  return errorName(error) === "ConditionalCheckFailedException";
}

/** DynamoDB has throttled a transaction, or another one writes the same items. Its own error, which the SDK does not retry, is no throttling. */
class TransactionThrottledError extends Error {
  override readonly name = "TransactionThrottledError" satisfies (typeof THROTTLING_ERRORS)[number];
}

const PASSING_CANCELLATIONS: ReadonlySet<string> = new Set([
  "ProvisionedThroughputExceeded",
  "ThrottlingError",
  "TransactionConflict",
]);

const cancelledSchema = z.looseObject({
  name: z.literal("TransactionCanceledException"),
  CancellationReasons: z.array(z.looseObject({ Code: z.string().default("None") })),
});

/** Why a transaction was cancelled, by its items. */
function cancellationCodes(error: unknown): readonly string[] {
  return cancelledSchema.safeParse(error).data?.CancellationReasons.map(({ Code }) => Code) ?? [];
}
