/** What people say about incidents, in the state table. */
import { createHash } from "node:crypto";
import { PutItemCommand, paginateQuery, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import { valuesOf } from "../../shared/aws/item";
import { instantSchema } from "../../shared/instant";

export const UPDATE_STATUSES = ["investigating", "identified", "monitoring", "update", "resolved"] as const;

export const MAX_UPDATE_CHARACTERS = 2_000;

const updateSchema = z.object({
  /** The incident's id. */
  incident: z.string(),
  /** Epoch milliseconds. */
  at: instantSchema,
  status: z.enum(UPDATE_STATUSES),
  text: z.string(),
});

export type IncidentUpdate = z.output<typeof updateSchema>;

export interface IncidentUpdates {
  /** Oldest first, without malformed ones. @param from epoch milliseconds */
  since(from: number): Promise<readonly IncidentUpdate[]>;
  /** Idempotent. Two people may write at the same moment. */
  add(update: IncidentUpdate): Promise<void>;
}

/** No monitor has this key. */
const PARTITION = "*updates";

export function incidentUpdates(dynamodb: DynamoDBClient, table: string): IncidentUpdates {
  return {
    since: async (from) => {
      const updates: IncidentUpdate[] = [];
      const query = {
        TableName: table,
        KeyConditionExpression: "monitor = :monitor AND #item BETWEEN :from AND :to",
        ExpressionAttributeNames: { "#item": "item" }, // a reserved word
        ExpressionAttributeValues: marshall({
          ":monitor": PARTITION,
          ":from": new Date(from).toISOString(),
          ":to": "~",
        }),
      };
      for await (const { Items = [] } of paginateQuery({ client: dynamodb }, query))
        for (const item of Items) {
          const parsed = updateSchema.safeParse(valuesOf(item));
          if (parsed.success) updates.push(parsed.data);
        }
      return updates;
    },
    add: async (update) => {
      const said = createHash("sha256").update(`${update.status} ${update.text}`).digest("hex").slice(0, 16);
      const item = `${new Date(update.at).toISOString()}#${update.incident}#${said}`;
      await dynamodb.send(
        new PutItemCommand({ TableName: table, Item: marshall({ monitor: PARTITION, item, ...update }) }),
      );
    },
  };
}
