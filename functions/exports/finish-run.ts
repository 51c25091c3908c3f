/** The handler of the states around reading: aborts stale uploads, publishes the files, moves the cursor. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import {
  EXPORT_DIMENSION,
  finishRunEnvironment,
  finishRunInputSchema,
  type ExecutionOutput,
  type FinishedRun,
  type FinishRunEnvironment,
  type FinishRunInput,
} from "./contract";
import { totalsOf } from "./run/manifest";
import { locationOf, manifestKey } from "./run/object-keys";
import { returnPermanentFailures } from "./run/permanent-failures";
import { exportClients } from "./scan/clients";
import * as runFiles from "./storage/run-files";
import type { StepServices } from "./run/step-services";
import { stateTable } from "./storage/state-table";

/**
 * The steps around reading, one per call, each idempotent. Before: abort uploads of runs that this one has superseded. After: publish the
 * files, then finish the run.
 */
export const handler = invocationHandler(finishRunEnvironment, { input: finishRunInputSchema }, (services) =>
  finishStep(services, { dynamodb: createDynamoDB(), s3: exportClients(services.account).s3 }),
);

interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
}

/** The handler's work. */
export function finishStep(
  { environment, clock, logger, metrics }: StepServices<Pick<FinishRunEnvironment, "STATE_TABLE">>,
  { dynamodb, s3 }: Clients,
) {
  const state = stateTable(dynamodb, environment.STATE_TABLE, clock);

  return returnPermanentFailures(
    logger,
    async ({ run, step }: FinishRunInput): Promise<ExecutionOutput | undefined> => {
      if (step === "abort-uploads") {
        await runFiles.abortSupersededUploads(run, s3);
        return undefined;
      }
      if (step === "publish") {
        await runFiles.publishRun(run, { state, s3, now: () => clock.now() });
        return undefined;
      }
      const files = await state.parts(run);
      const { unusable = 0 } = await state.runProgress(run);
      const { items, bytes } = totalsOf(files);
      const location = locationOf(run);
      const { cursor } = await state.exportState(run.exportId);
      // Each run counts the same items again: only more of them are news. Before the cursor has the new count.
      const newlyUnusable = run.keepsCursor ? 0 : unusable - (cursor?.unusableItems ?? 0);
      if (newlyUnusable > 0) metrics.count("unusableItems", newlyUnusable);
      const nothingNew = files.length === 0 && run.config.mode === "incremental";
      await state.finish(run, nothingNew ? undefined : { location, items, bytes }, unusable);
      logger.info("exported", { run: run.id, files: files.length, items, bytes });
      metrics.countBy({ name: EXPORT_DIMENSION, value: run.config.name }, "finishedExports", 1);
      metrics.milliseconds("exportDuration", clock.now() - run.startedAt);
      // Jobs are not counted: an application may have no new items on a day.
      if (items === 0 && run.application === "") metrics.count("emptyExports", 1);
      const { day, time, trigger, application, config, bucket } = run;
      const of = { export: config.name, run: run.id, day, ...(time !== undefined && { time }), trigger, application };
      const manifest = `s3://${bucket}/${manifestKey(run)}`;
      const finished: FinishedRun = { ...of, table: config.table, items, bytes, location, manifest };
      return nothingNew
        ? { outcome: "nothing-new", message: "no new data was retrieved", run: finished }
        : { outcome: "exported", message: `${items} items exported: ${location}`, run: finished };
    },
  );
}
