/** What is stored of one monitor (a target or a cron monitor). Times are epoch milliseconds; a tick is a scheduled run's time. No SDK, no I/O. */
import * as z from "zod";

import { instantSchema } from "../../shared/instant";

import { checkResultSchema } from "./check-result";
import { rollupCodec, type Rollup } from "./roll-up";

const incidentSchema = z.object({
  /** The tick of the first failure. */
  openedAt: instantSchema,
  severity: z.enum(["degraded", "down"]),
  /** Human-readable: the current failure. */
  message: z.string(),
  reason: z.string(),
  /** Set where the certificate is the only reason. */
  certificateFingerprint: z.string().optional(),
  /** Earlier severities and reasons, oldest first. */
  changes: z
    .array(
      z.object({
        until: instantSchema,
        severity: z.enum(["degraded", "down"]),
        message: z.string(),
        reason: z.string().optional(),
      }),
    )
    .default([]),
});

export type Incident = z.output<typeof incidentSchema>;

export const closedIncidentSchema = incidentSchema.extend({
  closedAt: instantSchema,
  /** Human-readable. Absent where the monitor recovered. */
  closedBecause: z.string().optional(),
});

export type ClosedIncident = z.output<typeof closedIncidentSchema>;

/** Consecutive checks, and the tick of the first. */
const streakSchema = z.object({ length: z.number(), since: instantSchema });

/** Stored as a tuple: a state should fit into one write unit. */
const failureCodec = z.codec(
  z.tuple([z.number(), instantSchema, z.enum(["degraded", "down"]), z.string()]),
  z.custom<RecentFailure>(),
  {
    decode: ([ago, tick, severity, reason]) => ({ ago, tick, severity, reason }),
    encode: ({ ago, tick, severity, reason }): [number, number, RecentFailure["severity"], string] => [
      ago,
      tick,
      severity,
      reason,
    ],
  },
);

interface RecentFailure {
  /** Checks since. 0 is the latest check. */
  readonly ago: number;
  readonly tick: number;
  readonly severity: "degraded" | "down";
  readonly reason: string;
}

const recentSchema = z.object({
  /** Latest checks that were up. */
  up: streakSchema.optional(),
  /** Latest checks that were not down. */
  notDown: streakSchema.optional(),
  /** Those of the latest checks that were not up, oldest first. */
  failures: z.array(failureCodec),
});

/** The latest checks, as far as an incident depends on them. */
export type Recent = z.output<typeof recentSchema>;

const notificationSchema = z.object({
  kind: z.enum(["opened", "changed", "closed", "reminder", "removed"]),
  incident: incidentSchema,
  /** The tick that raised it. */
  raisedAt: instantSchema,
  closedAt: instantSchema.optional(),
  /** Notifiers that have delivered it. */
  deliveredBy: z.array(z.string()).default([]),
});

/** A notification that is not yet delivered by every notifier, stored with the state change that caused it. */
export type Notification = z.output<typeof notificationSchema>;

export const stateSchema = z.object({
  /** Incremented by each write: the optimistic lock. */
  revision: z.number(),
  /** The run that wrote it. */
  runId: z.string(),
  firstTick: instantSchema,
  /** Earlier data is of a simulation, for an environment to look at. */
  sampleUntil: instantSchema.optional(),
  lastTick: instantSchema,
  lastCheck: checkResultSchema,
  /** Unknown until the first successful check or the first incident. */
  health: z.enum(["up", "degraded", "down", "unknown"]),
  healthSince: instantSchema,
  recent: recentSchema.optional(),
  /** The open incident. */
  incident: incidentSchema.extend({ notifiedAt: instantSchema }).optional(),
  closedIncidents: z.number(),
  /** The hour of the last tick, unfinished. */
  hour: z.object({ start: instantSchema, rollup: rollupCodec }),
  outbox: z.array(notificationSchema),
});

export type MonitorState = z.output<typeof stateSchema>;

/** The roll-up of an hour or day, by its start. */
export interface PeriodRollup {
  readonly start: number;
  readonly rollup: Rollup;
}

/** The result of applying one tick: the next state and the history it completes. Stored together or not at all. */
export interface Transition {
  readonly state: MonitorState;
  readonly hours: readonly PeriodRollup[];
  readonly incident?: ClosedIncident;
}

/** One invocation of the checker. */
export interface Run {
  readonly id: string;
  readonly tick: number;
}
