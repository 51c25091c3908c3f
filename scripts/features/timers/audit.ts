/** Compares the fires of all timers that were expected with those that were recorded. */
import type { AuditResponse, TimersClient, UnreadableTimer } from "../../../clients/timers";
import { mapConcurrently } from "../../../functions/shared/resilience/concurrency";
import { table } from "../../shared/terminal/table";
import { describeUnreadable } from "./describe";

const CONCURRENT_TIMERS = 8;

const FAULTS = ["missing", "failed", "late", "early"] as const;

/** Due times of missing fires to show of one timer. */
const SHOWN = 3;

export interface AuditWindow {
  readonly sinceSeconds: number;
  /** Later than this is a fault. */
  readonly lateSeconds: number;
  /** Of the timers' ids. */
  readonly prefix: string;
}

interface AuditedTimer extends AuditResponse {
  readonly kind: "periodic" | "oneshot";
  readonly id: string;
}

export interface Audit {
  /** Timers whose fires were compared. */
  readonly timers: number;
  readonly expected: number;
  readonly observed: number;
  /** Timers with faults. */
  readonly faulty: readonly AuditedTimer[];
  /** Timers whose fires are not recorded. */
  readonly unrecorded: number;
  /** Timers whose rows cannot be read: they do not fire. */
  readonly unreadable: readonly UnreadableTimer[];
}

type Timers = Pick<TimersClient["periodic"], "list" | "audit">;

export async function auditTimers(
  client: Readonly<Record<AuditedTimer["kind"], Timers>>,
  { prefix, ...limits }: AuditWindow,
): Promise<Audit> {
  const audited: AuditedTimer[] = [];
  let unrecorded = 0;
  const unreadable: UnreadableTimer[] = [];
  const onUnreadable = (timer: UnreadableTimer): void => void unreadable.push(timer);
  for (const kind of ["periodic", "oneshot"] as const) {
    const ids: string[] = [];
    for await (const { id, recorded } of client[kind].list({ prefix, onUnreadable })) {
      if (recorded) ids.push(id);
      else unrecorded += 1;
    }
    const results = await mapConcurrently(ids, CONCURRENT_TIMERS, async (id) => {
      const result = await client[kind].audit(id, limits);
      return result === undefined ? [] : [{ ...result, kind, id }];
    });
    audited.push(...results.flat());
  }
  return {
    timers: audited.length,
    expected: audited.reduce((sum, { expected }) => sum + expected, 0),
    observed: audited.reduce((sum, { observed }) => sum + observed, 0),
    faulty: audited.filter((timer) => FAULTS.some((fault) => timer[fault].length > 0)),
    unrecorded,
    unreadable,
  };
}

export function describeAudit({ faulty, timers, expected, observed, unrecorded, unreadable }: Audit): string {
  const lines = [`${timers} timers: ${expected} fires expected, ${observed} observed`];
  if (unrecorded > 0) lines.push(`${unrecorded} timers are not recorded: see history in the configuration`);
  lines.push(...unreadable.map(describeUnreadable));
  if (faulty.length === 0) return [...lines, ...(unreadable.length === 0 ? ["no faults"] : [])].join("\n");
  const rows = faulty.map(({ kind, id, ...timer }) => [
    `${kind} ${id}`,
    String(timer.expected),
    String(timer.observed),
    ...FAULTS.map((fault) => String(timer[fault].length)),
  ]);
  lines.push(table(["timer", "expected", "observed", ...FAULTS], rows));
  for (const { id, missing } of faulty)
    for (const due of missing.slice(0, SHOWN)) lines.push(`${id}: missing: due ${due}`);
  return lines.join("\n");
}
