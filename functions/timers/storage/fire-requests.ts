/** Requests to fire a timer, by idempotency key, for a day: rows of the timers table. */
import * as z from "zod";

import { isConditionFailure, type AwsJson } from "../../shared/aws/aws-json";
import { ConflictError, TooManyRequestsError } from "../../shared/handlers/http-errors";
import { acquireLease, ownLease, SET_LEASE, type LeaseRequest } from "../../shared/resilience/lease";
import { DAY_SECONDS, SECOND_MS } from "../../shared/time";
import { TIMER_KEYS } from "../contract";
import type { Fire } from "../schedule/timer";
import { rowKey, timerKey, type Row } from "./timer-row";
import type { TimerId } from "./timer-table";

/** Longer than a client retries. */
const RETENTION_SECONDS = DAY_SECONDS;

/** One request to fire a timer. */
export interface FireRequest {
  readonly timer: TimerId;
  /** Idempotency key. */
  readonly key: string;
  /** The fire to send again. Undefined: a new one. */
  readonly fireId: string | undefined;
}

export type SentFire = Pick<Fire, "fireId" | "due">;

export interface FireRequests {
  /**
   * Acquires a request. Another one with its key may acquire it once the lease has expired: this one has died.
   *
   * @returns the fire that an earlier request with its key has sent; undefined: acquired
   * @throws {@link TooManyRequestsError} while an earlier one runs; {@link ConflictError} for the key of a request for another fire
   */
  begin(request: FireRequest, lease: LeaseRequest): Promise<SentFire | undefined>;
  /** The fire is in the queue. */
  complete(request: FireRequest, sent: SentFire): Promise<void>;
  /** The fire is not in the queue: the next request may send it at once. */
  release(request: FireRequest, owner: string): Promise<void>;
}

const failureSchema = z.object({ Item: z.custom<Row>((row) => typeof row === "object" && row !== null) });

export function fireRequests(dynamodb: AwsJson, TableName: string): FireRequests {
  const call = (action: string, request: FireRequest, input: object) =>
    dynamodb.call(
      `DynamoDB_20120810.${action}`,
      JSON.stringify({ TableName, Key: rowKey(requestKey(request)), ...input }),
    );
  const release: FireRequests["release"] = async (request, owner) => {
    const { condition, values } = ownLease(owner);
    try {
      await call("DeleteItem", request, { ConditionExpression: condition, ExpressionAttributeValues: values });
    } catch (error) {
      // Another request has acquired it.
      if (!isConditionFailure(error)) throw error;
    }
  };

  return {
    release,

    begin: async (request, lease) => {
      const { condition, values } = acquireLease(lease);
      const ttl = Math.ceil(lease.now / SECOND_MS) + RETENTION_SECONDS;
      try {
        await call("UpdateItem", request, {
          UpdateExpression: `SET ${SET_LEASE}, #requested = :requested, #ttl = :ttl`,
          ConditionExpression: `attribute_not_exists(#sent) AND ${condition}`,
          ExpressionAttributeNames: { "#requested": "requested", "#sent": "sentFireId", "#ttl": TIMER_KEYS.timeToLive },
          ExpressionAttributeValues: {
            ...values,
            ":requested": { S: request.fireId ?? "" },
            ":ttl": { N: String(ttl) },
          },
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        });
        return undefined;
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        const { Item } = failureSchema.parse(error.response);
        if (Item["requested"]?.S !== (request.fireId ?? ""))
          throw new ConflictError("the idempotency key is that of a request for another fire", { cause: error });
        const [fireId, due] = [Item["sentFireId"]?.S, Number(Item["sentDueMs"]?.N)];
        if (fireId !== undefined) return { fireId, due };
        throw new TooManyRequestsError("a request with this idempotency key is running; try again", { cause: error });
      }
    },

    complete: async (request, { fireId, due }) => {
      await call("UpdateItem", request, {
        UpdateExpression: "SET sentFireId = :fireId, sentDueMs = :due",
        ExpressionAttributeValues: { ":fireId": { S: fireId }, ":due": { N: String(due) } },
      });
    },
  };
}

/** The sort key. Neither a kind nor an id contains `#`. */
function requestKey({ timer: { kind, id }, key }: FireRequest): string {
  return `fired#${timerKey(kind, id)}#${key}`;
}
