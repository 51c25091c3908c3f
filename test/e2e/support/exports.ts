/** The exports of the end-to-end tests. The tests create the tables, except those of exports that fail. */
import type { EnvironmentInput } from "../../../modules/environment";

/** Longer than an item takes from its stamp to the table, on a busy machine, too. */
export const SETTLE_SECONDS = 10;

const never = "cron(0 0 1 1 ? 2199)";

export const EXPORTS: NonNullable<EnvironmentInput["exports"]> = {
  tables: [
    { name: "simple-user-logs", preset: "simple-user-logs", schedule: never },
    { name: "everything", table: "e2e-everything", segments: 4, schedule: never },
    { name: "columns", table: "e2e-everything", format: "parquet", segments: 2, schedule: never },
    {
      name: "slow",
      table: "e2e-everything",
      segments: 2,
      partMegabytes: 1,
      maxReadUnitsPerSecond: 400,
      schedule: never,
    },
    {
      name: "new-items",
      table: "e2e-new-items",
      mode: "incremental",
      watermark: { attribute: "at", unit: "milliseconds", settleSeconds: SETTLE_SECONDS },
      compression: "none",
      segments: 2,
      schedule: never,
    },
    { name: "empty", table: "e2e-empty", segments: 2, schedule: never },
    { name: "no-table", table: "e2e-there-is-no-such-table", schedule: never },
    { name: "no-bucket", table: "e2e-everything", bucket: "e2e-there-is-no-such-bucket", schedule: never },
    { name: "by-dynamodb", table: "e2e-everything", engine: "dynamodb-export", schedule: never },
    { name: "documented", table: "almanac-local-heartbeats", segments: 2, schedule: never },
    {
      name: "documented-items",
      table: "almanac-local-heartbeats",
      mode: "incremental",
      watermark: { attribute: "at", settleSeconds: 0 },
      segments: 2,
      schedule: never,
    },
    { name: "ticking", table: "e2e-empty", segments: 1, schedule: "rate(1 minute)" },
  ],
  jobs: { tables: ["e2e-app-logs", "e2e-quiet-logs"], roles: ["arn:aws:iam::000000000000:role/e2e-reader"] },
};
