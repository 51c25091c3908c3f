import { Logger } from "@aws-lambda-powertools/logger";

export type { Logger };

/** Structured logs: one JSON line an entry, with the feature as `service` and the environment. */
export function createLogger(feature: string, environment: string): Logger {
  return new Logger({ serviceName: feature, persistentKeys: { environment } });
}
