import { systemClock, type Clock } from "./clock";
import { environmentParser, text, type EnvironmentSource } from "./environment";
import { createLogger, type Logger } from "./logger";
import { createMetrics, type Metrics } from "./metrics";

/** What a function is built from, once on cold start. */
export interface Services<Environment> {
  /** Its own variables, parsed. */
  readonly environment: Environment;
  /** Begins every name of this Almanac: `almanac`. */
  readonly app: string;
  /** Which environment this is: `staging`. */
  readonly environmentName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Which feature of which Almanac a function belongs to; every module sets these. */
const parseIdentity = environmentParser({
  POWERTOOLS_SERVICE_NAME: text,
  ALMANAC_APP: text,
  ALMANAC_ENVIRONMENT: text,
});

/** @throws {@link EnvironmentError} */
export function createServices<Environment>(
  parseEnvironment: (source: EnvironmentSource) => Environment,
  source: EnvironmentSource = process.env,
): Services<Environment> {
  const {
    POWERTOOLS_SERVICE_NAME: feature,
    ALMANAC_APP: app,
    ALMANAC_ENVIRONMENT: environmentName,
  } = parseIdentity(source);
  // Two Almanacs in one account may have environments of one name.
  const qualified = `${app}-${environmentName}`;
  return {
    environment: parseEnvironment(source),
    app,
    environmentName,
    clock: systemClock,
    logger: createLogger(feature, qualified),
    metrics: createMetrics(feature, qualified),
  };
}
