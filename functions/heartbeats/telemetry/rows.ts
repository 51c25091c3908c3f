/** The rows of the telemetry table. */
import type { ScheduledEvent } from "../../shared/handlers/scheduled-handler";
import { DAY_SECONDS, SECOND_MS } from "../../shared/time";
import type { Outcome } from "../contract";
import type { ProbeResult } from "../probe/check-target";

export interface TelemetryRow {
  /** Partition key: the UTC day on which the check began, "2026-11-21". */
  readonly utcDate: string;
  /** Sort key: "HH:MM:SS.mmmZ#<target>#<run id>". */
  readonly utcTime: string;
  readonly target: string;
  /** Whole milliseconds. */
  readonly latency: number;
  readonly outcome: Outcome;
  /** The complete scheduled event that caused the check. */
  readonly event: ScheduledEvent;
  /** Epoch seconds. */
  readonly ttl: number;
}

export interface TelemetryRun {
  /** Random: makes the rows of two invocations distinct, also within one millisecond. */
  readonly id: string;
  readonly event: ScheduledEvent;
  readonly telemetryDays: number;
}

/** The key is unique to this check: no other row overwrites it. */
export function telemetryRow({ target, at, latencyMs, outcome }: ProbeResult, run: TelemetryRun): TelemetryRow {
  const [utcDate = "", utcTime = ""] = new Date(at).toISOString().split("T");
  return {
    utcDate,
    utcTime: `${utcTime}#${target}#${run.id}`,
    target,
    latency: Math.round(latencyMs),
    outcome,
    event: run.event,
    ttl: Math.floor(at / SECOND_MS) + run.telemetryDays * DAY_SECONDS,
  };
}
