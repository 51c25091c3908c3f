import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { EXPORT_DIMENSION, finishRunEnvironment, finishRunInputSchema, type ExecutionOutput } from "./contract";
import { totalsOf } from "./run/manifest";
import { locationOf } from "./run/object-keys";
import { returnPermanentFailures } from "./run/permanent-failures";
import { exportClients } from "./scan/clients";
import * as runFiles from "./storage/run-files";
import { stateTable } from "./storage/state-table";

/**
 * The steps around reading, one per call, each idempotent. Before: delete the `_SUCCESS` marker, because files will be overwritten.
 * After: write the manifest, write the marker, finish the run.
 */
export const handler = invocationHandler(
  finishRunEnvironment,
  { input: finishRunInputSchema },
  ({ environment, clock, logger, metrics }) => {
    const { s3 } = exportClients();
    const state = stateTable(createDynamoDB(), environment.STATE_TABLE, clock);

    return returnPermanentFailures(logger, async ({ run, step }): Promise<ExecutionOutput | undefined> => {
      if (step === "delete-marker") {
        await runFiles.deleteSuccessMarker(run, s3);
        return undefined;
      }
      if (step === "write-marker") {
        await runFiles.writeSuccessMarker(run, s3);
        return undefined;
      }
      const files = await runFiles.completedFiles(run, state, s3);
      if (step === "write-manifest") {
        await runFiles.deleteOrphans(run, files, s3);
        await runFiles.writeManifest(run, files, clock.now(), s3);
        return undefined;
      }
      const { items, bytes } = totalsOf(files);
      const location = locationOf(run);
      const nothingNew = files.length === 0 && run.config.mode === "incremental";
      await state.finish(run, nothingNew ? undefined : { location, items, bytes });
      logger.info("exported", { run: run.id, files: files.length, items, bytes });
      metrics.countBy({ name: EXPORT_DIMENSION, value: run.config.name }, "finishedExports", 1);
      metrics.milliseconds("exportDuration", clock.now() - run.startedAt);
      // Jobs are not counted: an application may have no new items on a day.
      if (items === 0 && run.application === "") metrics.count("emptyExports", 1);
      return nothingNew
        ? { outcome: "nothing-new", message: "no new data was retrieved" }
        : { outcome: "exported", message: `${items} items exported: ${location}` };
    });
  },
);
