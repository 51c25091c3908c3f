import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import type { CronMonitor } from "./contract";
import { parseReportInEnvironment } from "./environment";
import { recordHeartbeat } from "./monitors/record-heartbeat";
import { stateTable } from "./monitors/state-table";
import { readMonitorSettings } from "./monitors/configuration";

/** How long the list of jobs is remembered: a deployment that changes it need not change this function. */
const REMEMBERED_MS = 60_000;

const requestSchema = z.object({
  path: z.object({ name: z.string() }),
  body: z.undefined().or(z.looseObject({})),
});

/** `POST /heartbeats/{name}`: a job says that it has run. */
export const handler = restHandler(parseReportInEnvironment, ({ environment, clock }) => {
  const s3 = createS3();
  const table = stateTable(createDynamoDB(), environment.STATE_TABLE, { clock, random: Math.random });
  let remembered: { readonly jobs: readonly CronMonitor[]; readonly until: number } | undefined;
  const jobs = async (): Promise<readonly CronMonitor[]> => {
    if (remembered === undefined || clock.now() >= remembered.until)
      remembered = { jobs: (await readMonitorSettings(s3, environment.WATCH_BUCKET)).jobs, until: clock.now() + REMEMBERED_MS };
    return remembered.jobs;
  };
  return {
    "POST /heartbeats/{name}": endpoint(requestSchema, async ({ path: { name } }) => ({
      body: await recordHeartbeat(name, clock.now(), { jobs, table }),
    })),
  };
});
