import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { claimRunEnvironment, claimRunInputSchema, type Claim } from "./contract";
import { claimRun, type ClaimPorts } from "./run/claim";
import { findExport, readConfiguration } from "./run/configuration";
import { endedStatus, isRunning } from "./run/executions";
import { dayOf, locationOf } from "./run/object-keys";
import { returnPermanentFailures } from "./run/permanent-failures";
import { isEmptyWindow } from "./run/window";
import { stateTable } from "./storage/state-table";

/** Claims an export's day for an execution and plans its segments. Idempotent per execution. */
export const handler = invocationHandler(
  claimRunEnvironment,
  { input: claimRunInputSchema },
  ({ environment, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const s3 = createS3();
    const sfn = createSfn();
    const state = stateTable(dynamodb, environment.STATE_TABLE, clock);
    const ports: ClaimPorts = { ...state, isRunning: (execution) => isRunning(sfn, execution) };

    return returnPermanentFailures(logger, async ({ request, execution }): Promise<Claim> => {
      const config = findExport(await readConfiguration(s3, environment.CONFIGURATION_BUCKET), request);
      const home = { region: await dynamodb.config.region(), bucket: environment.EXPORTS_BUCKET };
      const now = clock.now();
      const claim = await claimRun({ request, config, home, execution, now }, ports);
      logger.info("claim", { export: request.export, outcome: claim.outcome });
      if (claim.outcome === "exists")
        return { outcome: "exists", message: `exists - no new data uploaded: ${claim.location}` };
      if (claim.outcome === "running") return { outcome: "running", message: `already running: ${claim.execution}` };

      const { run } = claim;
      // The execution may have been stopped during this call: nothing else would ever record the end of the run.
      const ended = await endedStatus(sfn, execution);
      if (ended !== undefined) {
        const failure = { error: "ExecutionEndedError", cause: `the execution is ${ended}`, abandoned: false };
        await state.fail(run.exportId, execution, failure);
      }
      logger.info("run", { run: run.id, day: run.day, attempt: run.attempt, location: locationOf(run) });
      if (run.tableSize === undefined && run.role === undefined && run.region === home.region) {
        const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: run.config.table }));
        const tableSize = { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 };
        await state.saveRun({ ...run, tableSize });
      }
      const claimAgain = run.day !== (request.day ?? dayOf(now)) || run.trigger !== request.trigger;
      const empty = run.window !== undefined && isEmptyWindow(run.window);
      const segments = empty ? [] : Array.from({ length: run.segments }, (_, segment) => segment);
      return { outcome: "run", run, segments, claimAgain };
    });
  },
);
