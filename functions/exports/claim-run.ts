import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { claimRun, type ClaimPorts } from "./run/claim";
import { exportOf, readConfiguration } from "./run/configuration";
import { claimCallSchema, claimEnvironment, type Claim } from "./contract";
import { isRunning } from "./run/executions";
import { answeringFailures } from "./run/failure";
import { dayOf, locationOf } from "./run/object-keys";
import { stateTable } from "./storage/state-table";
import { isEmpty } from "./run/window";

/** Claims an export's day for an execution of the state machine, and plans the run. Called again by the same one, it answers the same. */
export const handler = invocationHandler(
  claimEnvironment,
  { input: claimCallSchema },
  ({ environment, clock, logger }) => {
    const dynamodb = createDynamoDB();
    const s3 = createS3();
    const sfn = createSfn();
    const state = stateTable(dynamodb, environment.STATE_TABLE, clock);
    const ports: ClaimPorts = { ...state, isRunning: (execution) => isRunning(sfn, execution) };

    return answeringFailures(logger, async ({ request, execution }): Promise<Claim> => {
      const config = exportOf(await readConfiguration(s3, environment.CONFIGURATION_BUCKET), request);
      const home = { region: await dynamodb.config.region(), bucket: environment.EXPORTS_BUCKET };
      const now = clock.now();
      const claimed = await claimRun({ request, config, home, execution, now }, ports);
      logger.info("claimed", { export: request.export, outcome: claimed.outcome });
      if (claimed.outcome === "exists")
        return { outcome: "exists", message: `exists - no new data uploaded: ${claimed.location}` };
      if (claimed.outcome === "running") return { outcome: "running", message: `is running already: ${claimed.owner}` };

      const { run } = claimed;
      logger.info("run", { run: run.id, day: run.day, attempt: run.attempt, location: locationOf(run) });
      if (run.expected === undefined && run.role === undefined && run.region === home.region) {
        const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: run.config.table }));
        const expected = { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 };
        await state.setExpected({ ...run, expected });
      }
      const nothing = run.window !== undefined && isEmpty(run.window);
      return {
        outcome: "run",
        run,
        segments: nothing ? [] : Array.from({ length: run.segments }, (_, segment) => segment),
        // The one asked for is still to come when an older one is finished first.
        again: run.day !== (request.day ?? dayOf(now)),
      };
    });
  },
);
