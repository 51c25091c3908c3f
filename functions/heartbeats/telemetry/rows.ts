import type { ScheduledEvent } from "../../shared/handlers/scheduled-handler";
import { DAY_SECONDS } from "../../shared/time";
import type { Observation } from "../probe/check-target";
import type { Outcome } from "../contract";

/** An observation as the telemetry table holds it. */
export interface TelemetryRow {
  /** Partition key: the UTC day the check began on, "2026-11-21". */
  readonly utcDate: string;
  /** Sort key: "HH:MM:SS.mmmZ#<target>#<run>". */
  readonly utcTime: string;
  readonly target: string;
  /** Whole milliseconds. */
  readonly latency: number;
  readonly outcome: Outcome;
  /** The scheduled event that caused the check, whole. */
  readonly event: ScheduledEvent;
  /** When DynamoDB may remove the row, epoch seconds. */
  readonly ttl: number;
}

/** One invocation of the checker. */
export interface Run {
  /** Short and random: tells apart two invocations for one tick that check a target in the same millisecond. */
  readonly id: string;
  readonly event: ScheduledEvent;
  /** How long rows are kept. */
  readonly telemetryDays: number;
}

/** The row of an observation. Its key is the observation's own: no other, of this run or another, overwrites it. */
export function telemetryRow({ target, at, latencyMs, outcome }: Observation, run: Run): TelemetryRow {
  const [utcDate = "", utcTime = ""] = new Date(at).toISOString().split("T");
  return {
    utcDate,
    utcTime: `${utcTime}#${target}#${run.id}`,
    target,
    latency: Math.round(latencyMs),
    outcome,
    event: run.event,
    ttl: Math.floor(at / 1_000) + run.telemetryDays * DAY_SECONDS,
  };
}
