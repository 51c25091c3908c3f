/** A message's row as DynamoDB attribute values. Numbers are text: DynamoDB's have 38 digits. */
import type { Message } from "../message/message";

export type Attribute =
  | { readonly S: string }
  | { readonly BOOL: boolean }
  | { readonly M: Readonly<Record<string, { readonly S: string }>> };
export type Row = Readonly<Record<string, Attribute>>;

/** The attribute of rows that were written without a notification. */
export const QUIET = "quiet";

export interface RowOptions {
  /** True: the change is not notified. @default false */
  readonly quiet?: boolean;
}

/** `day` and `receivedAt` are ISO 8601 in UTC. */
export function rowOf(
  {
    key,
    keySource,
    version,
    versionOrder,
    versionSource,
    versionSince,
    group,
    summary,
    receivedAt,
    digest,
    data,
  }: Message,
  { quiet = false }: RowOptions = {},
): Row {
  const time = new Date(receivedAt).toISOString();
  return {
    key: { S: key },
    keySource: { S: keySource },
    version: { S: version },
    versionOrder: { S: versionOrder },
    versionSource: { S: versionSource },
    versionSince: { S: versionSince },
    day: { S: time.slice(0, 10) },
    receivedAt: { S: time },
    ...(group !== undefined && { group: { S: group } }),
    summary: { M: Object.fromEntries(Object.entries(summary).map(([label, S]) => [label, { S }])) },
    digest: { S: digest },
    ...(quiet && { [QUIET]: { BOOL: true } }),
    data: { S: data },
  };
}
