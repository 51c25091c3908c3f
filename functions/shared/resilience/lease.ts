/** A lease in an item of a DynamoDB table: one owner at a time, until the lease is released or expires. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export interface Lease {
  readonly owner: string;
  /** Epoch milliseconds. Another owner can acquire the lease afterwards. */
  readonly until: number;
}

export interface LeaseRequest extends Lease {
  /** Epoch milliseconds. */
  readonly now: number;
}

type Values = Readonly<Record<string, AttributeValue>>;

const OWNED = "leaseOwner = :owner";

/** For an UpdateExpression's SET. */
export const SET_LEASE = "leaseOwner = :owner, leaseUntil = :until";

/** For an UpdateExpression's REMOVE. */
export const RELEASE_LEASE = "leaseOwner, leaseUntil";

/** With {@link SET_LEASE}. */
export function acquireLease({ now, ...lease }: LeaseRequest): { readonly condition: string; readonly values: Values } {
  // The owner may acquire it again: the SDK retries a request whose response was lost. A lease whose end is missing or no number would
  // never end: DynamoDB compares it to nothing, so that only the negation holds.
  const condition = `(attribute_not_exists(leaseOwner) OR NOT leaseUntil >= :now OR ${OWNED})`;
  return { condition, values: { ...renewLease(lease).values, ":now": number(now) } };
}

/** With {@link SET_LEASE}. */
export function renewLease({ owner, until }: Lease): { readonly condition: string; readonly values: Values } {
  const { condition, values } = ownLease(owner);
  return { condition, values: { ...values, ":until": number(until) } };
}

/** For a write that only the lease's owner may make. */
export function ownLease(owner: string): { readonly condition: string; readonly values: Values } {
  return { condition: OWNED, values: { ":owner": { S: owner } } };
}

/** An item's lease; undefined: it has none. */
export function leaseOf(item: Values | undefined): Lease | undefined {
  const until = item?.["leaseUntil"]?.N;
  return until === undefined ? undefined : { owner: item?.["leaseOwner"]?.S ?? "", until: Number(until) };
}

const number = (value: number): AttributeValue => ({ N: String(value) });
