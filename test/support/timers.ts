/** Timers and fires with defaults. */
import type { Fire, StoredTimer } from "../../functions/timers/schedule/timer";

/** Hourly at :05, enqueued until 07:00. */
export function storedTimer(fields: Partial<StoredTimer> = {}): StoredTimer {
  return {
    kind: "periodic",
    id: "tea",
    shard: "shard0",
    version: "v1",
    schedule: { kind: "every", periodMs: 3_600_000, phaseMs: 300_000 },
    data: '{"order":7}',
    enabled: true,
    putAt: Date.parse("2026-11-21T06:50:00Z"),
    enqueuedUntil: Date.parse("2026-11-21T07:00:00Z"),
    ...fields,
  };
}

/** A fire of {@link storedTimer}. */
export function fire(fields: Partial<Fire> = {}): Fire {
  return {
    kind: "periodic",
    id: "tea",
    version: "v1",
    shard: "shard0",
    due: Date.parse("2026-11-21T07:05:00Z"),
    fireId: "periodic#tea#v1#2026-11-21T07:05:00.000Z",
    data: '{"order":7}',
    ...fields,
  };
}
