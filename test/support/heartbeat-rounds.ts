/** Rounds of the checker and the publisher over a fake state table, on a clock that only ticks move. */
import {
  monitorSettingsSchema,
  targetSchema,
  type MonitorSettings,
  type Outcome,
  type TargetInput,
} from "../../functions/heartbeats/contract";
import type { Configuration, SetAsideItem } from "../../functions/heartbeats/monitors/policy";
import { processCheckResults } from "../../functions/heartbeats/monitors/process-check-results";
import { notificationSender, type Notifier } from "../../functions/heartbeats/notifications/deliver";
import type { NotificationMessage } from "../../functions/heartbeats/notifications/plan";
import type { ProbeResult } from "../../functions/heartbeats/probe/check-target";
import { statusBuilder } from "../../functions/heartbeats/status-page/build-status";
import type { StatusDocument } from "../../functions/heartbeats/status-page/document";
import type { Clock } from "../../functions/shared/clock";
import { MINUTE_MS } from "../../functions/shared/time";
import { fakeStateTable } from "./fake-state-table";

const START = Date.parse("2026-11-21T06:55:00Z");
export const tickAt = (index: number) => START + index * 5 * MINUTE_MS;
export const time = (index: number) => new Date(tickAt(index)).toISOString().replace(".000Z", "Z");

export const GOOD: Outcome = { ok: true, status: 200 };
export const BAD: Outcome = { ok: false, reason: "status", message: "status 500, expected 200-299", status: 500 };
export const expiring = (certificateFingerprint: string): Outcome => ({
  ok: false,
  reason: "certificate",
  message: "the certificate expires in 3 days, at least 7 expected",
  certificateDaysLeft: 3,
  certificateFingerprint,
});

/** Simulates runs of the checker and the publisher over a fake state table. */
export function setup(
  targetInputs: readonly Partial<TargetInput>[],
  settingsInput: Partial<MonitorSettings> = {},
  slack?: Notifier,
) {
  let now = START;
  const clock: Clock = {
    now: () => now,
    elapsed: () => now,
    after: (_milliseconds, callback) => {
      const timer = setImmediate(callback);
      return () => {
        clearImmediate(timer);
      };
    },
  };
  const configurationOf = (
    targetInputs: readonly Partial<TargetInput>[],
    settingsInput: Partial<MonitorSettings> = {},
    setAside: readonly SetAsideItem[] = [],
  ): Configuration => ({
    targets: targetInputs.map((input) => targetSchema.parse({ url: "https://a.test/", ...input })),
    ...monitorSettingsSchema.parse(settingsInput),
    brand: {},
    setAside,
  });
  let configuration = configurationOf(targetInputs, settingsInput);
  /** Replaces the configuration, as a deployment does. */
  const configure = (...given: Parameters<typeof configurationOf>): void => {
    configuration = configurationOf(...given);
  };
  const table = fakeStateTable(clock);
  const sent: Pick<NotificationMessage, "id" | "title" | "text">[] = [];
  const failures: string[] = [];
  const documents: StatusDocument[] = [];
  const sns: Notifier = {
    name: "sns",
    send: ({ id, title, text }) => {
      sent.push({ id, title, text });
      return Promise.resolve();
    },
  };
  const defaults = { notifiers: [sns, ...(slack ? [slack] : [])], table, intervalMinutes: 5 };
  const buildStatus = statusBuilder({
    app: "almanac",
    environment: "test",
    intervalMinutes: 5,
    table,
    updates: table.updates,
    clock,
  });
  let runs = 0;
  const check = async (
    index: number,
    outcomes: readonly Outcome[] = [],
    changed: Partial<typeof defaults & { readonly networkFailure: string; readonly publish: () => Promise<void> }> = {},
  ): Promise<void> => {
    const { notifiers, networkFailure, publish = () => Promise.resolve(), ...ports } = { ...defaults, ...changed };
    now = Math.max(now, tickAt(index) + 2_000);
    const results = configuration.targets.map(({ name }, position): ProbeResult => {
      return { target: name, at: tickAt(index) + 1_000, latencyMs: 120, outcome: outcomes[position] ?? GOOD };
    });
    const run = { tick: tickAt(index), id: `run-${runs++}` };
    const notify = notificationSender(
      { source: "almanac test" },
      {
        notifiers,
        table: ports.table,
        clock,
        onFailure: (notifier, { id }) => failures.push(`${notifier} ${id}`),
      },
    );
    await processCheckResults(
      { configuration, results, run, deadline: Infinity, ...(networkFailure !== undefined && { networkFailure }) },
      {
        ...ports,
        notify,
        clock,
        random: () => 0.5,
        publish,
        onUnreadable: (key) => failures.push(`unreadable ${key}`),
      },
    );
  };
  /** Checks, then builds the status as the publisher does. */
  const checkAndPublish = async (...given: Parameters<typeof check>): Promise<void> => {
    try {
      await check(...given);
    } finally {
      documents.push(await buildStatus(configuration, Infinity));
    }
  };
  const titles = () => sent.map(({ title }) => title);
  return { configure, check, checkAndPublish, sent, failures, documents, table, titles };
}
