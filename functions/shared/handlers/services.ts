import type { Context } from "aws-lambda";

import { systemClock, type Clock } from "../clock";
import { environmentSchema, text, type EnvironmentSchema, type EnvironmentSource } from "../environment";
import { createLogger, type Logger } from "../logger";
import { createMetrics, type Metrics } from "../metrics";

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
const identity = environmentSchema({
  POWERTOOLS_SERVICE_NAME: text,
  ALMANAC_APP: text,
  ALMANAC_ENVIRONMENT: text,
});

/** @throws {@link EnvironmentError} */
function createServices<Environment>(
  schema: EnvironmentSchema<Environment>,
  source: EnvironmentSource = process.env,
): Services<Environment> {
  const {
    POWERTOOLS_SERVICE_NAME: feature,
    ALMANAC_APP: app,
    ALMANAC_ENVIRONMENT: environmentName,
  } = identity.parse(source);
  // Two Almanacs in one account may have environments of one name.
  const qualified = `${app}-${environmentName}`;
  return {
    environment: schema.parse(source),
    app,
    environmentName,
    clock: systemClock,
    logger: createLogger(feature, qualified),
    metrics: createMetrics(feature, qualified),
  };
}

/** A handler at work. */
export interface Started<Work> {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly work: Work;
}

/** Builds a handler's work at its first invocation, once: importing a handler does nothing. */
export function onColdStart<Environment, Work>(
  schema: EnvironmentSchema<Environment>,
  build: (services: Services<Environment>) => Work,
): () => Started<Work> {
  let built: Started<Work> | undefined;
  return () => {
    if (built === undefined) {
      const services = createServices(schema);
      built = { logger: services.logger, metrics: services.metrics, work: build(services) };
    }
    return built;
  };
}

/**
 * One invocation of any handler: built, if it is the first; logs with its ids only; a failure logged, and thrown on to whoever
 * invoked it; metrics written.
 *
 * @param run is given when Lambda stops it, epoch milliseconds, too
 */
export async function invoke<Work, Answer>(
  start: () => Started<Work>,
  context: Context,
  run: (started: Started<Work>, deadline: number) => Promise<Answer> | Answer,
): Promise<Answer> {
  const started = start();
  const { logger, metrics } = started;
  logger.addContext(context);
  try {
    return await run(started, systemClock.now() + context.getRemainingTimeInMillis());
  } catch (error) {
    logger.error("invocation failed", { error });
    throw error;
  } finally {
    metrics.flush();
    logger.resetKeys();
  }
}
