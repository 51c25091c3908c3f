import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { ExpiringCache } from "../shared/expiring-cache";
import { endpoint, restHandler } from "../shared/handlers/rest-handler";
import { MINUTE_MS } from "../shared/time";
import { heartbeatApiEnvironment } from "./contract";
import { readMonitorSettings } from "./monitors/configuration";
import { recordHeartbeat } from "./monitors/record-heartbeat";
import { stateTable } from "./monitors/state-table";

/** A deployment that adds a cron monitor does not restart this function. */
const CACHE_MS = MINUTE_MS;

const requestSchema = z.object({
  path: z.object({ name: z.string() }),
  body: z.undefined().or(z.looseObject({})),
});

/** `POST /heartbeats/{name}`: a job sends its heartbeat. */
export const handler = restHandler(heartbeatApiEnvironment, ({ environment, clock }) => {
  const s3 = createS3();
  const table = stateTable(createDynamoDB(), environment.STATE_TABLE, { clock, random: Math.random });
  const bucket = environment.CONFIGURATION_BUCKET;
  const cache = new ExpiringCache<Awaited<ReturnType<typeof readMonitorSettings>>>(CACHE_MS, clock);
  const cronMonitors = async () => (await cache.get(bucket, () => readMonitorSettings(s3, bucket))).cronMonitors;
  return {
    "POST /heartbeats/{name}": endpoint(requestSchema, async ({ path: { name } }) => ({
      body: await recordHeartbeat(name, clock.now(), { cronMonitors, table }),
    })),
  };
});
