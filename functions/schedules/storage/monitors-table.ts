/** The schedules' monitors: items in the state table of heartbeats, which the keeper writes and heartbeats read. */
import { marshall } from "@aws-sdk/util-dynamodb";

import { REPORT_ITEM, scheduleMonitorKey, type ScheduleReport } from "../../shared/schedule-monitor";
import { kebabCase } from "../contract";
import { updateItem, type DynamoCall } from "./runs-table";

/** Times are epoch milliseconds. */
export interface MonitorsTable {
  /** Idempotent: a success that is not later than the last one changes nothing. */
  succeeded(schedule: string, endedAt: number, durationMs: number): Promise<void>;
  /** A run that failed or was missed. Idempotent like {@link succeeded}. */
  failed(schedule: string, endedAt: number, failure: NonNullable<ScheduleReport["failure"]>): Promise<void>;
  /**
   * @param expectedBefore undefined: no run is due
   * @param knownAt what was known later is not overwritten
   * @returns false when it was
   */
  expect(schedule: string, expectedBefore: number | undefined, knownAt: number): Promise<boolean>;
}

export function monitorsTable(call: DynamoCall, TableName: string): MonitorsTable {
  const target = (schedule: string) => ({
    TableName,
    Key: marshall({ monitor: scheduleMonitorKey(kebabCase(schedule)), item: REPORT_ITEM }),
  });
  return {
    succeeded: async (schedule, endedAt, durationMs) => {
      await updateItem(call, target(schedule), {
        expression: "SET heartbeatAt = :at, durationMs = :durationMs",
        condition: "attribute_not_exists(heartbeatAt) OR heartbeatAt < :at",
        values: { ":at": endedAt, ":durationMs": durationMs },
      });
    },
    failed: async (schedule, endedAt, failure) => {
      await updateItem(call, target(schedule), {
        expression: "SET failedAt = :at, failure = :failure",
        condition: "attribute_not_exists(failedAt) OR failedAt < :at",
        values: { ":at": endedAt, ":failure": failure },
      });
    },
    expect: async (schedule, expectedBefore, knownAt) => {
      const known = { ":knownAt": knownAt };
      const item = await updateItem(call, target(schedule), {
        condition: "attribute_not_exists(knownAt) OR knownAt < :knownAt",
        ...(expectedBefore === undefined
          ? { expression: "SET knownAt = :knownAt REMOVE expectedBefore", values: known }
          : {
              expression: "SET knownAt = :knownAt, expectedBefore = :expectedBefore",
              values: { ...known, ":expectedBefore": expectedBefore },
            }),
      });
      return item !== undefined;
    },
  };
}
