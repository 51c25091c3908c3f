/** The handler of the engine `dynamodb-export`: starts DynamoDB's own export and follows it. */
import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { mapConcurrently } from "../shared/resilience/concurrency";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { nativeExportEnvironment, nativeExportInputSchema } from "./contract";
import { returnPermanentFailures } from "./run/permanent-failures";
import { exportClients } from "./scan/clients";
import { completedSummaryKey, listNativeFiles, startNativeExport } from "./scan/native-export";
import { stateTable } from "./storage/state-table";

const CONCURRENT_WRITES = 16;

/** Starts DynamoDB's own export on the first call; later calls check it, and save its files once it is completed. Idempotent. */
export const handler = invocationHandler(
  nativeExportEnvironment,
  { input: nativeExportInputSchema },
  ({ environment, account, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const { s3 } = exportClients(account);
    const state = stateTable(dynamodb, environment.STATE_TABLE, clock);

    return returnPermanentFailures(logger, async ({ run, exportArn }) => {
      if (exportArn === undefined) return { done: false, exportArn: await startNativeExport(dynamodb, run) };
      const summaryKey = await completedSummaryKey(dynamodb, exportArn);
      if (summaryKey === undefined) return { done: false, exportArn };
      const files = await listNativeFiles(s3, run.bucket, summaryKey);
      await mapConcurrently([...files.entries()], CONCURRENT_WRITES, ([number, file]) =>
        state.saveFile(run, number, file),
      );
      return { done: true, exportArn };
    });
  },
);
