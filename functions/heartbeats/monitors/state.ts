/** What is remembered of one subject (a target, or a job) from tick to tick, as it is stored. No SDK, no I/O. */
import * as z from "zod";

import type { MaintenanceWindow } from "../contract";
import { rollupCodec, type Rollup } from "./roll-up";

const checkResultSchema = z.object({
  /** `unknown`: the check itself broke, or has nothing to go by yet. It says nothing about the subject. */
  health: z.enum(["up", "down", "unknown"]),
  /** When it was looked at, epoch milliseconds. */
  at: z.number(),
  /** For people, where health is not `up`. */
  message: z.string().optional(),
  reason: z.string().optional(),
  latencyMs: z.number().optional(),
  certificateDaysLeft: z.number().optional(),
  certificateFingerprint: z.string().optional(),
  /** Of a job: when it last reported. */
  reportedAt: z.number().optional(),
});

/** What one look at a subject found. */
export type CheckResult = z.output<typeof checkResultSchema>;

const incidentSchema = z.object({
  /** The tick of the first of the failures that opened it. */
  openedAt: z.number(),
  /** For people: of the failure that opened it. */
  message: z.string(),
  reason: z.string(),
  /** Where nothing but a certificate is the reason: whose. */
  certificateFingerprint: z.string().optional(),
});

export type Incident = z.output<typeof incidentSchema>;

const notificationSchema = z.object({
  kind: z.enum(["opened", "closed", "reminder", "removed"]),
  incident: incidentSchema,
  /** The tick that raised it. */
  raisedAt: z.number(),
  closedAt: z.number().optional(),
  /** Channels that have it already. */
  sentTo: z.array(z.string()).default([]),
});

/** Something to tell people, kept with the state that caused it until it is told. */
export type Notification = z.output<typeof notificationSchema>;

/** All times are epoch milliseconds; those of ticks are when they were scheduled. */
export const stateSchema = z.object({
  /** Grows with each write: who writes has seen the last one. */
  revision: z.number(),
  /** The invocation that wrote it. */
  run: z.string(),
  firstTick: z.number(),
  lastTick: z.number(),
  finding: checkResultSchema,
  /** Unknown until the first good check, or the first incident. */
  health: z.enum(["up", "down", "unknown"]),
  healthSince: z.number(),
  /** Checks of one kind in a row, and the tick of the first. */
  streak: z.object({ health: z.enum(["up", "down"]), length: z.number(), since: z.number() }).optional(),
  /** The open one. */
  incident: incidentSchema.extend({ toldAt: z.number() }).optional(),
  closedIncidents: z.number(),
  /** The hour of the last tick, so far. */
  hour: z.object({ start: z.number(), rollup: rollupCodec }),
  outbox: z.array(notificationSchema),
});

export type MonitorState = z.output<typeof stateSchema>;

/** What goes for a subject. */
export interface MonitorPolicy {
  readonly failuresBeforeDown: number;
  readonly successesBeforeUp: number;
  readonly maintenance: readonly MaintenanceWindow[];
  readonly intervalMs: number;
  readonly remindAfterMs: number;
}

/** An hour that is over, with something in it. */
export interface PeriodRollup {
  readonly start: number;
  readonly rollup: Rollup;
}

export const closedIncidentSchema = incidentSchema.extend({
  closedAt: z.number(),
  /** Why, for people, where it is not that all is well again. */
  closedBecause: z.string().optional(),
});

export type ClosedIncident = z.output<typeof closedIncidentSchema>;

/** What a tick does: the state after it, and what is history by it. To be stored together or not at all. */
export interface Transition {
  readonly state: MonitorState;
  readonly hours: readonly PeriodRollup[];
  readonly incident?: ClosedIncident;
}

/** One round of checks. */
export interface Run {
  /** When it was scheduled, epoch milliseconds. */
  readonly tick: number;
  /** The invocation that does it. */
  readonly id: string;
}
