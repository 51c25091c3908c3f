import { Logger } from "@aws-lambda-powertools/logger";

export type { Logger };

/** Structured logs: one JSON line per entry, with `service` (the feature) and `environment`. */
export function createLogger(feature: string, environment: string): Logger {
  return new Logger({ serviceName: feature, persistentKeys: { environment } });
}
