/** The table of telemetry in DynamoDB: one row for each check. */
import type { WriteRequest } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";

import type { AwsJson } from "../../shared/aws/aws-json";
import { sendInBatches } from "../../shared/aws/batches";
import type { Clock } from "../../shared/clock";
import { parseJson } from "../../shared/input";
import type { TelemetryRow } from "./rows";

/** BatchWriteItem's limit. */
const ROWS_PER_WRITE = 25;
const CONCURRENT_WRITES = 8;

class TelemetryWriteError extends Error {
  override readonly name = "TelemetryWriteError";
}

export interface TelemetryTable {
  /**
   * Retries throttled writes until the deadline (epoch milliseconds).
   *
   * @throws {@link TelemetryWriteError} when rows were not saved; the others were
   */
  save(rows: readonly TelemetryRow[], deadline: number): Promise<void>;
}

export interface TelemetryTablePorts {
  readonly clock: Clock;
  readonly random: () => number;
}

const requestsSchema = z.array(z.looseObject({})).default([]);
const responseSchema = z.object({ UnprocessedItems: z.record(z.string(), requestsSchema).default({}) });

export function telemetryTable(dynamodb: AwsJson, table: string, ports: TelemetryTablePorts): TelemetryTable {
  const write = async (requests: readonly WriteRequest[]): Promise<readonly WriteRequest[]> => {
    const response = await dynamodb.call(
      "DynamoDB_20120810.BatchWriteItem",
      JSON.stringify({ RequestItems: { [table]: requests } }),
    );
    return responseSchema.parse(parseJson(response)).UnprocessedItems[table] ?? [];
  };
  return {
    save: async (rows, deadline) => {
      const sending = { batchSize: ROWS_PER_WRITE, concurrency: CONCURRENT_WRITES, deadline, ...ports, send: write };
      const { items, errors } = await sendInBatches(rows.map(toWriteRequest), sending);
      if (items.length === 0) return;
      const why = errors.length === 0 ? "throttled until the deadline" : "rejected by DynamoDB";
      const message = `${items.length} of ${rows.length} rows not saved: ${why}`;
      throw new TelemetryWriteError(message, { cause: errors[0] });
    },
  };
}

function toWriteRequest(row: TelemetryRow): WriteRequest {
  // Lambda parsed the event's numbers from JSON, so any precision is lost already.
  return { PutRequest: { Item: marshall(row, { allowImpreciseNumbers: true }) } };
}
