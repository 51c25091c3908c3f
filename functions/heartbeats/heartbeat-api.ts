import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { MINUTE_MS } from "../shared/time";
import { reportInEnvironment, type Job } from "./contract";
import { reportJob } from "./monitors/record-heartbeat";
import { stateTable } from "./monitors/state-table";
import { readWatch } from "./monitors/configuration";

/** How long the list of jobs is remembered: a deployment that changes it need not change this function. */
const REMEMBERED_MS = MINUTE_MS;

const requestSchema = z.object({
  path: z.object({ name: z.string() }),
  body: z.undefined().or(z.looseObject({})),
});

/** `POST /heartbeats/{name}`: a job says that it has run. */
export const handler = restHandler(reportInEnvironment, ({ environment, clock }) => {
  const s3 = createS3();
  const table = stateTable(createDynamoDB(), environment.STATE_TABLE, { clock, random: Math.random });
  let remembered: { readonly jobs: readonly Job[]; readonly until: number } | undefined;
  const jobs = async (): Promise<readonly Job[]> => {
    if (remembered === undefined || clock.now() >= remembered.until)
      remembered = { jobs: (await readWatch(s3, environment.WATCH_BUCKET)).jobs, until: clock.now() + REMEMBERED_MS };
    return remembered.jobs;
  };
  return {
    "POST /heartbeats/{name}": endpoint(requestSchema, async ({ path: { name } }) => ({
      body: await reportJob(name, clock.now(), { jobs, table }),
    })),
  };
});
