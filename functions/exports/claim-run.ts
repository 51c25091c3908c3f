/** The handler of a run's first state: claims the run and plans its segments. */

import { DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import {
  claimRunEnvironment,
  claimRunInputSchema,
  type Claim,
  type ClaimRunEnvironment,
  type ClaimRunInput,
  type Run,
} from "./contract";
import { claimRun, type ClaimPorts } from "./run/claim";
import { findExport, readConfiguration } from "./run/configuration";
import { endOf, failureOf, isRunning } from "./run/executions";
import { locationOf } from "./run/object-keys";
import { returnPermanentFailures } from "./run/permanent-failures";
import type { StepServices } from "./run/step-services";
import { isEmptyWindow } from "./run/window";
import { reserveKey } from "./storage/run-files";
import { stateTable, type StateTable } from "./storage/state-table";

/** Claims an export's day for an execution and plans its segments. Idempotent per execution. */
export const handler = invocationHandler(claimRunEnvironment, { input: claimRunInputSchema }, (services) =>
  claimStep(services, { dynamodb: createDynamoDB(), s3: createS3(services.account), sfn: createSfn() }),
);

interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
}

/** The handler's work. */
export function claimStep(
  {
    environment,
    clock,
    logger,
  }: StepServices<Pick<ClaimRunEnvironment, "STATE_TABLE" | "CONFIGURATION_BUCKET" | "EXPORTS_BUCKET">>,
  { dynamodb, s3, sfn }: Clients,
) {
  const state = stateTable(dynamodb, environment.STATE_TABLE, clock);
  const ports: ClaimPorts = {
    ...state,
    reserveKey: (run, key) => reserveKey(run, key, s3),
    isRunning: (execution) => isRunning(sfn, execution),
  };

  return returnPermanentFailures(logger, async ({ request, execution }: ClaimRunInput): Promise<Claim> => {
    const config = findExport(await readConfiguration(s3, environment.CONFIGURATION_BUCKET), request);
    const home = { region: await dynamodb.config.region(), bucket: environment.EXPORTS_BUCKET };
    const table = { name: request.job?.table_name ?? config.table, region: request.job?.region ?? home.region };
    const isHere = table.region === home.region && !request.job?.assume_role;
    const described = isHere ? await describeTable(table.name, dynamodb).catch(errorIfRefused) : undefined;
    const tableId = described instanceof Error ? undefined : described?.id;
    const claim = await claimRun({ request, config, home, execution, tableId, now: clock.now() }, ports);
    logger.info("claim", { export: request.export, outcome: claim.outcome });
    if (claim.outcome === "exists")
      return { outcome: "exists", message: `exists - no new data uploaded: ${claim.location}` };
    if (claim.outcome === "running") return { outcome: "running", message: `already running: ${claim.execution}` };

    const { run, claimAgain } = claim;
    await recordEndOf(execution, run, { sfn, state });
    logger.info("run", { run: run.id, day: run.day, attempt: run.attempt, location: locationOf(run) });
    const planned = run.tableSize === undefined && described !== undefined ? withPlan(run, described) : run;
    if (planned !== run) await state.saveRun(planned);
    const empty = run.window !== undefined && isEmptyWindow(run.window);
    const segments = empty ? [] : Array.from({ length: run.segments }, (_, segment) => segment);
    return { outcome: "run", run: planned, segments, claimAgain };
  });
}

/** The execution may have been stopped during the claim: nothing else would ever record the end of its run. */
async function recordEndOf(
  execution: string,
  run: Run,
  { sfn, state }: { readonly sfn: SFNClient; readonly state: StateTable },
): Promise<void> {
  const end = await endOf(sfn, execution);
  if (typeof end !== "string") await state.fail(run.exportId, execution, failureOf(execution, end));
}

/** A provisioned table's other readers keep half of its units. */
const PROVISIONED_SHARE = 0.5;

interface DescribedTable {
  readonly id: string | undefined;
  readonly plan: Pick<Run, "tableSize" | "maxReadUnitsPerSecond">;
}

/** The run's record says that the table is missing, or may not be described: it has to be claimed first. */
function errorIfRefused(error: unknown): Error {
  if (error instanceof Error && ["AccessDeniedException", "ResourceNotFoundException"].includes(error.name))
    return error;
  throw error;
}

/** The run's own limit takes precedence. */
function withPlan(run: Run, described: DescribedTable | Error): Run {
  if (described instanceof Error) throw described;
  return { ...described.plan, ...run };
}

async function describeTable(table: string, dynamodb: DynamoDBClient): Promise<DescribedTable> {
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: table }));
  // 0 for on-demand tables.
  const provisioned = Table?.ProvisionedThroughput?.ReadCapacityUnits ?? 0;
  return {
    id: Table?.TableId,
    plan: {
      tableSize: { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 },
      ...(provisioned > 0 && { maxReadUnitsPerSecond: provisioned * PROVISIONED_SHARE }),
    },
  };
}
