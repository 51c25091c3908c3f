/** {@link DispatchTable} in DynamoDB: the cursor rows and the index of the timers table. */
import * as z from "zod";

import { isConditionFailure, type AwsJson } from "../../shared/aws/aws-json";
import { parseJson } from "../../shared/input";
import { acquireLease, ownLease, RELEASE_LEASE, SET_LEASE } from "../../shared/resilience/lease";
import { DUE_INDEX } from "../contract";
import type { StoredTimer } from "../schedule/timer";
import { readCursors } from "../storage/cursors";
import { DISPATCHED_ATTRIBUTES, readTimerRow, rowKey, type Row } from "../storage/timer-row";
import { cursorKey, type TimerTableServices } from "../storage/timer-table";
import { LeaseLostError, type Cursor, type DispatchTable, type Position, type Progress } from "./dispatcher";

/**
 * Rows of a page: a multiple of a batch's ten entries. Fewer than the megabyte that DynamoDB returns otherwise: what is parsed while another
 * page is sent stays small, and the last requests of a page do not wait for the parsing of the next.
 */
const ROWS_PER_PAGE = 1_250;

/** Less to parse. It costs the same read units. */
const PROJECTED = Object.fromEntries(DISPATCHED_ATTRIBUTES.map((name) => [`#${name}`, name]));
const PROJECTION = Object.keys(PROJECTED).join(", ");

const rowSchema = z.custom<Row>((row) => typeof row === "object" && row !== null);

/** Attributes of a cursor that are stored as JSON text: a key of the table's is opaque. */
const TEXTS = ["position", "behind"] as const;

const positionSchema = z
  .object({ range: z.string(), after: z.record(z.string(), z.unknown()).optional() })
  .transform(({ range, after }): Position => ({ range, ...(after && { after }) }));
const behindSchema = z.record(
  z.string(),
  z
    .object({ cursor: z.number(), position: positionSchema.optional() })
    .transform(({ cursor, position }): Progress => ({ cursor, ...(position && { position }) })),
);

/** Rows are parsed one by one. */
const queryResponseSchema = z.object({
  Items: z.array(rowSchema),
  LastEvaluatedKey: z.record(z.string(), z.unknown()).optional(),
});

const updateResponseSchema = z.object({ Attributes: rowSchema.default({}) });
const conditionFailureSchema = z.object({ Item: rowSchema.optional() });

/** @param dynamodb without the SDK, which needs more time to parse a page than to send all its fires */
export function dispatchTable(dynamodb: AwsJson, TableName: string, services: TimerTableServices): DispatchTable {
  const { deadline } = services;
  const Key = (shard: string) => rowKey(cursorKey(shard));
  const call = async (action: string, input: object): Promise<unknown> =>
    parseJson(await dynamodb.call(`DynamoDB_20120810.${action}`, JSON.stringify({ TableName, ...input }), deadline));

  return {
    cursors: (shards) => readCursors(dynamodb, TableName, shards, services),

    acquire: async (shard, request) => {
      const { condition, values } = acquireLease(request);
      try {
        const { Attributes } = updateResponseSchema.parse(
          await call("UpdateItem", {
            Key: Key(shard),
            UpdateExpression: `SET ${SET_LEASE}`,
            ConditionExpression: `attribute_exists(#cursor) AND ${condition}`,
            ExpressionAttributeNames: { "#cursor": "cursor" },
            ExpressionAttributeValues: values,
            ReturnValues: "ALL_NEW",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        );
        return { ...readCursor(Attributes), acquired: true };
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        const { Item } = conditionFailureSchema.parse(error.response);
        return Item && { ...readCursor(Item), acquired: false };
      }
    },

    save: async (shard, { owner, previous, cursor: { cursor, position, behind }, release }) => {
      const { condition, values } = ownLease(owner);
      const texts = { position, behind };
      const isSet = (name: keyof typeof texts) => texts[name] !== undefined;
      const set = TEXTS.filter(isSet).map((name) => `, #${name} = :${name}`);
      const removed = TEXTS.filter((name) => !isSet(name)).map((name) => `#${name}`);
      if (release) removed.push(RELEASE_LEASE);
      try {
        await call("UpdateItem", {
          Key: Key(shard),
          UpdateExpression:
            `SET #cursor = :cursor${set.join("")}` + (removed.length > 0 ? ` REMOVE ${removed.join(", ")}` : ""),
          ConditionExpression: `${condition} AND #cursor = :previous`,
          ExpressionAttributeNames: { "#cursor": "cursor", "#position": "position", "#behind": "behind" },
          ExpressionAttributeValues: {
            ...values,
            ":cursor": { N: String(cursor) },
            ":previous": { N: String(previous) },
            ...Object.fromEntries(TEXTS.filter(isSet).map((name) => [`:${name}`, { S: JSON.stringify(texts[name]) }])),
          },
        });
      } catch (cause) {
        if (!isConditionFailure(cause)) throw cause;
        throw new LeaseLostError(`another run has the lease on ${shard}`, { cause });
      }
    },

    page: async ({ slot, from, to }, after) => {
      const response = queryResponseSchema.parse(
        await call("Query", {
          IndexName: DUE_INDEX.name,
          Limit: ROWS_PER_PAGE,
          KeyConditionExpression: `#slot = :slot AND #dueMs ${from === undefined ? "<= :to" : "BETWEEN :from AND :to"}`,
          ProjectionExpression: PROJECTION,
          ExpressionAttributeNames: { ...PROJECTED, "#slot": DUE_INDEX.partition, "#dueMs": DUE_INDEX.sort },
          ExpressionAttributeValues: {
            ":slot": { S: slot },
            ...(from !== undefined && { ":from": { N: String(from) } }),
            ":to": { N: String(to) },
          },
          ...(after && { ExclusiveStartKey: after }),
        }),
      );
      const timers: StoredTimer[] = [];
      const corrupt: unknown[] = [];
      for (const row of response.Items) {
        try {
          timers.push(readTimerRow(row));
        } catch (error) {
          corrupt.push(error);
        }
      }
      return { timers, corrupt, ...(response.LastEvaluatedKey && { next: response.LastEvaluatedKey }) };
    },
  };
}

function readCursor(item: Row): Cursor {
  const cursor = Number(item["cursor"]?.N);
  if (!Number.isFinite(cursor)) throw new Error("the cursor is not a number");
  const position = item["position"]?.S;
  const behind = item["behind"]?.S;
  return {
    cursor,
    ...(position !== undefined && { position: positionSchema.parse(parseJson(position)) }),
    ...(behind !== undefined && { behind: behindSchema.parse(parseJson(behind)) }),
  };
}
