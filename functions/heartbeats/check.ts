import { randomBytes } from "node:crypto";

import { createDynamoDB } from "../shared/clients/dynamodb";
import { createS3 } from "../shared/clients/s3";
import { mapConcurrently } from "../shared/concurrency";
import { scheduledHandler } from "../shared/scheduled-handler";
import { checkTarget } from "./checker";
import { MAX_CONCURRENT_CHECKS } from "./contract";
import { parseCheckEnvironment } from "./environment";
import { httpClient } from "./http-client";
import { systemLookUp } from "./name-lookup";
import { report } from "./report";
import { readTargetList } from "./target-list";
import { telemetryRow } from "./telemetry";
import { telemetryTable } from "./telemetry-table";

/** Time kept back from Lambda's own limit, so that rows left unsaved are still reported. */
const CLOSING_MS = 1_000;

/**
 * Checks every target, side by side, and saves one row each.
 *
 * Safe under at-least-once delivery: each row is one observation under a key of its own (time, target, run), so a tick that
 * comes twice, or is retried after some rows were saved, adds observations and never overwrites one.
 */
export const handler = scheduledHandler(parseCheckEnvironment, ({ environment, clock, logger, metrics }) => {
  const s3 = createS3();
  const table = telemetryTable(createDynamoDB(), environment.HEARTBEATS_TABLE, { clock, random: Math.random });
  const ports = { send: httpClient(systemLookUp()), clock };

  return async ({ event, deadline }) => {
    const start = clock.elapsed();
    const run = { id: randomBytes(4).toString("hex"), event, telemetryDays: environment.TELEMETRY_DAYS };
    const targets = await readTargetList(s3, environment.TARGETS_BUCKET);
    const observations = await mapConcurrently(targets, MAX_CONCURRENT_CHECKS, (target) => checkTarget(target, ports));
    report(observations, clock.elapsed() - start, { logger, metrics });
    await table.save(
      observations.map((observation) => telemetryRow(observation, run)),
      deadline - CLOSING_MS,
    );
  };
});
