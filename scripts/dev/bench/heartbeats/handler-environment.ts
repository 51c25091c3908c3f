/** Environment variables of the handlers under measurement. */
import { DNS_LOOKUP_THREADS } from "../../../../functions/heartbeats/contract";
import { stubEnvironment } from "../stub-environment";

/** The environment variables of both handlers. */
export function handlerEnvironment(awsEndpoint: string): NodeJS.ProcessEnv {
  return {
    ...stubEnvironment("heartbeats", awsEndpoint),
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1769",
    MEMORY_MB: "1769",
    TELEMETRY_TABLE: "almanac-bench-heartbeats",
    STATE_TABLE: "almanac-bench-heartbeats-state",
    CONFIGURATION_BUCKET: "almanac-bench-heartbeats-configuration",
    STATUS_PAGE_BUCKET: "almanac-bench-heartbeats-status-page",
    TELEMETRY_DAYS: "90",
    INTERVAL_MINUTES: "5",
    PUBLISH_FUNCTION: "almanac-bench-heartbeats-publish",
    NOTIFICATION_TOPIC: "arn:aws:sns:eu-central-1:000000000000:almanac-bench-alarms",
    UV_THREADPOOL_SIZE: String(DNS_LOOKUP_THREADS),
  };
}
