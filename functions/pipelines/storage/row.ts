/** A message's row as DynamoDB attribute values, in which numbers are text and keep all their digits. */
import type { Message } from "../message/message";

export type Attribute =
  { readonly S: string } | { readonly N: string } | { readonly M: Readonly<Record<string, { readonly S: string }>> };
export type Row = Readonly<Record<string, Attribute>>;

/** `day` and `receivedAt` are ISO 8601 in UTC. */
export function rowOf({ key, version, group, summary, receivedAt, digest, data }: Message): Row {
  const time = new Date(receivedAt).toISOString();
  return {
    key: { S: key },
    version: { N: version },
    day: { S: time.slice(0, 10) },
    receivedAt: { S: time },
    ...(group !== undefined && { group: { S: group } }),
    summary: { M: Object.fromEntries(Object.entries(summary).map(([label, S]) => [label, { S }])) },
    digest: { S: digest },
    data: { S: data },
  };
}
