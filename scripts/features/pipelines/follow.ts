/** Follows a message of a pipeline by its key: to its row, and from there to Slack. */
import type { NotificationsTable } from "../../../functions/pipelines/slack/notifications-table";
import { plainText } from "../../shared/terminal/plain-text";
import { isSetAside, readWaiting, type Notifications } from "./notifications";

export interface FollowedRow {
  readonly version: string;
  /** First receipt by the API, ISO 8601. */
  readonly receivedAt: string;
  /** True when a replay wrote it without a notification. */
  readonly quiet: boolean;
}

export interface FollowPorts {
  /** Undefined when there is none. */
  readonly readRow: (key: string) => Promise<FollowedRow | undefined>;
  /** Undefined when no pipeline of the environment notifies Slack. */
  readonly notifications: Notifications<Pick<NotificationsTable, "read" | "readSetAside">> | undefined;
  readonly onStep: (line: string) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export interface FollowOptions {
  readonly key: string;
  /** Followed until the row has it. @default any version */
  readonly version?: string;
  readonly timeoutMs: number;
}

export type Followed = "stored" | "delivered" | "set aside" | "no row" | "another version" | "waiting for Slack";

const POLL_MS = 500;

/** A notification is in the queue this long after its row at the latest: the stream is polled four times a second. */
const NOTIFIED_WITHIN_MS = 5_000;

export async function followMessage(options: FollowOptions, ports: FollowPorts): Promise<Followed> {
  const until = ports.now() + options.timeoutMs;
  let latest: FollowedRow | undefined;
  const row = await poll(until, ports, async () => {
    latest = await ports.readRow(options.key);
    return options.version === undefined || latest?.version === options.version ? latest : undefined;
  });
  if (latest !== undefined)
    ports.onStep(`row: version ${plainText(latest.version)}, received ${plainText(latest.receivedAt)}`);
  if (row === undefined) return latest === undefined ? "no row" : "another version";
  const { notifications } = ports;
  if (notifications === undefined || notifications.webhook === "" || row.quiet) return "stored";
  return followNotification({ key: options.key, ...row }, until, { ...ports, notifications });
}

async function followNotification(
  row: FollowedRow & { readonly key: string },
  until: number,
  ports: FollowPorts & { readonly notifications: NonNullable<FollowPorts["notifications"]> },
): Promise<Followed> {
  const { notifications } = ports;
  const storedAt = ports.now();
  let waited = false;
  const result = await poll(until, ports, async (): Promise<Followed | undefined> => {
    const { isWaiting, queued } = await readWaiting(notifications, row);
    if (isWaiting && !waited)
      ports.onStep(`Slack: the notification waits, ${queued} in the queue for ${notifications.webhook}`);
    waited ||= isWaiting;
    if (isWaiting || (!waited && ports.now() - storedAt < NOTIFIED_WITHIN_MS)) return undefined;
    return (await isSetAside(notifications, row.key)) ? "set aside" : "delivered";
  });
  return result ?? "waiting for Slack";
}

async function poll<Value>(
  until: number,
  { now, sleep }: Pick<FollowPorts, "now" | "sleep">,
  read: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  for (;;) {
    const value = await read();
    if (value !== undefined || now() + POLL_MS > until) return value;
    await sleep(POLL_MS);
  }
}
