/** Compares the fires that a timer's schedule expects with those that its callback has recorded. */
import { MINUTE_MS } from "../../shared/time";
import { earliestTime, exclusiveStart, fireAt, scheduledTimes, uncounted } from "../schedule/fire-times";
import type { StoredTimer } from "../schedule/timer";
import type { History, RecordedFire } from "../storage/history";
import type { AuditResponse } from "./api-types";
import { iso } from "./timer-response";

const PAGE_SIZE = 1_000;

/** A fire that is due may be on its way for this long. */
const SETTLED_MS = MINUTE_MS;

export interface AuditLimits {
  /** Due times in [from, until] are compared, epoch milliseconds. */
  readonly from: number;
  readonly until: number;
  /** A fire that is later is a fault. */
  readonly lateMs: number;
}

/** @param since epoch milliseconds */
export async function readAudit(
  timer: StoredTimer,
  { since, lateMs, now }: { readonly since: number; readonly lateMs: number; readonly now: number },
  history: Pick<History, "read">,
): Promise<AuditResponse> {
  const fires: RecordedFire[] = [];
  let after: string | undefined;
  do {
    const page = await history.read(timer, PAGE_SIZE, after);
    fires.push(...page.fires);
    after = (page.fires.at(-1)?.due ?? -Infinity) < since ? undefined : page.next;
  } while (after !== undefined);
  return audit(timer, fires, { from: since, until: now - SETTLED_MS, lateMs });
}

/** Of the current version: the schedule of an earlier one is not known any more. Pure. */
function audit(
  timer: StoredTimer,
  recorded: readonly RecordedFire[],
  { from, until, lateMs }: AuditLimits,
): AuditResponse {
  const expected = scheduledTimes(uncounted(timer), Math.max(earliestTime(timer, from), exclusiveStart(timer)), until)
    .map((at) => fireAt(timer, at))
    .filter(({ due }) => due >= from && due <= until);
  const fires = recorded.filter(({ version, due }) => version === timer.version && due >= from && due <= until);
  const observed = new Set(fires.map(({ fireId }) => fireId));
  const idsOf = (isFault: (fire: RecordedFire) => boolean) => fires.filter(isFault).map(({ fireId }) => fireId);
  return {
    expected: expected.length,
    observed: fires.length,
    missing: expected.filter(({ fireId }) => !observed.has(fireId)).map(({ due }) => iso(due)),
    failed: idsOf(({ outcome }) => outcome === "failed" || outcome === "deadLettered"),
    late: idsOf(
      ({ outcome, due, firedAt, attempts }) => outcome === "succeeded" && attempts === 1 && firedAt - due > lateMs,
    ),
    early: idsOf(({ due, firedAt }) => firedAt < due),
  };
}
