/** The handler of the API that jobs report to. */
import * as z from "zod";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createS3 } from "../shared/aws/clients/s3";
import { createSsm } from "../shared/aws/clients/ssm";
import { ExpiringCache } from "../shared/resilience/expiring-cache";
import { NotFoundError } from "../shared/handlers/http-errors";
import { parameters } from "../shared/handlers/parameters";
import { endpoint, restHandler, type Endpoint } from "../shared/handlers/rest-handler";
import { MINUTE_MS, MINUTE_SECONDS, SECOND_MS } from "../shared/time";
import { heartbeatApiEnvironment, PING_METHODS, PING_ROUTES, REPORT_ROUTES } from "./contract";
import { readMonitorSettings } from "./monitors/configuration";
import type { JobReport } from "./monitors/job";
import { jobOfPing, recordHeartbeat, reportOf } from "./monitors/record-heartbeat";
import { stateTable } from "./monitors/state-table";
import { secretReader } from "./probe/secret-reader";

/** A deployment that adds a cron monitor does not restart this function. */
const CACHE_MS = MINUTE_MS;

/** Of the 29 s that API Gateway waits: a job reports once. */
const READ_TIMEOUT_MS = 10 * SECOND_MS;

const requestSchema = z.object({
  path: z.object({ name: z.string(), event: z.string().optional() }),
  query: parameters({}),
  body: z.looseObject({ durationMs: z.int().min(0).optional(), log: z.string().default("") }).prefault({}),
});

/**
 * A job reports: `POST /heartbeats/{name}` and `.../{event}`, signed; or, where it cannot sign, `/ping/{key}` and `.../{event}`, whose body
 * is the run's output. The event is `start`, `fail` or an exit code.
 */
export const handler = restHandler(
  heartbeatApiEnvironment,
  ({ environment, account, clock }) => {
    const s3 = createS3(account);
    const table = stateTable(createDynamoDB(), environment.STATE_TABLE, { clock, random: Math.random });
    const bucket = environment.CONFIGURATION_BUCKET;
    const cache = new ExpiringCache<Awaited<ReturnType<typeof readMonitorSettings>>>(CACHE_MS, clock);
    const cronMonitors = async () => (await cache.get(bucket, () => readMonitorSettings(s3, bucket))).cronMonitors;
    const readSecret = secretReader(createSsm(), MINUTE_SECONDS, clock, READ_TIMEOUT_MS);
    const parameter = environment.PING_SECRET_PARAMETER;
    const record = async (name: string, report: JobReport) => ({
      body: await recordHeartbeat(name, report, clock.now(), { cronMonitors, table }),
    });
    const report = endpoint(requestSchema, ({ path: { name, event }, body: { durationMs, log } }) =>
      record(name, { ...reportOf(event, log), durationMs }),
    );
    const ping: Endpoint = async ({ path: { key = "", event }, text }) => {
      if (parameter === undefined) throw new NotFoundError("there are no ping URLs");
      return record(jobOfPing(key, await readSecret(parameter)), reportOf(event, text));
    };
    return {
      ...Object.fromEntries(REPORT_ROUTES.map((route) => [`POST ${route}`, report])),
      ...Object.fromEntries(PING_METHODS.flatMap((method) => PING_ROUTES.map((route) => [`${method} ${route}`, ping]))),
    };
  },
  { secretParameters: ["key", "event"] },
);
