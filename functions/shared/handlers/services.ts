/** The services of every handler: environment, clock, logger, metrics; made on its cold start. */
import type { Context } from "aws-lambda";

import { accountOf } from "../aws/arn";
import { systemClock, type Clock } from "../clock";
import { environmentSchema, text, type EnvironmentSchema, type EnvironmentSource } from "../environment";
import { withoutContent } from "../errors";
import { createLogger, type Logger } from "../telemetry/logger";
import { createMetrics, type Metrics } from "../telemetry/metrics";

/** Dependencies of a handler, created on cold start. */
export interface Services<Environment> {
  /** The function's variables, parsed. */
  readonly environment: Environment;
  /** Begins every physical name: `almanac`. */
  readonly app: string;
  /** `staging` */
  readonly environmentName: string;
  /** The function's AWS account: `123456789012`. */
  readonly account: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Every module sets these. */
const identity = environmentSchema({
  POWERTOOLS_SERVICE_NAME: text,
  ALMANAC_APP: text,
  ALMANAC_ENVIRONMENT: text,
});

/** @throws {@link EnvironmentError} */
function createServices<Environment>(
  schema: EnvironmentSchema<Environment>,
  context: Context,
  source: EnvironmentSource = process.env,
): Services<Environment> {
  const {
    POWERTOOLS_SERVICE_NAME: feature,
    ALMANAC_APP: app,
    ALMANAC_ENVIRONMENT: environmentName,
  } = identity.parse(source);
  // Two apps in one account may have environments with the same name.
  const qualified = `${app}-${environmentName}`;
  return {
    environment: schema.parse(source),
    app,
    environmentName,
    // Lambda has no variable for it.
    account: accountOf(context.invokedFunctionArn),
    clock: systemClock,
    logger: createLogger(feature, qualified),
    metrics: createMetrics(feature, qualified),
  };
}

export interface BuiltHandler<Work> {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly work: Work;
}

/** Builds a handler's work on its first invocation, so importing a handler has no side effects. */
export function onColdStart<Environment, Work>(
  schema: EnvironmentSchema<Environment>,
  build: (services: Services<Environment>) => Work,
): (context: Context) => BuiltHandler<Work> {
  let built: BuiltHandler<Work> | undefined;
  return (context) => {
    if (built === undefined) {
      const services = createServices(schema, context);
      built = { logger: services.logger, metrics: services.metrics, work: build(services) };
    }
    return built;
  };
}

/**
 * Runs one invocation of any handler: builds it on cold start, adds IDs to its logs, logs and rethrows errors, flushes metrics.
 *
 * @param run gets Lambda's timeout as its deadline, epoch milliseconds
 */
export async function invoke<Work, Answer>(
  start: (context: Context) => BuiltHandler<Work>,
  context: Context,
  run: (handler: BuiltHandler<Work>, deadline: number) => Promise<Answer> | Answer,
): Promise<Answer> {
  const handler = start(context);
  const { logger, metrics } = handler;
  logger.addContext(context);
  try {
    return await run(handler, systemClock.now() + context.getRemainingTimeInMillis());
  } catch (error) {
    const safe = withoutContent(error);
    logger.error("invocation failed", { error: safe });
    // Lambda logs it once more, and answers with it.
    throw safe;
  } finally {
    metrics.flush();
    logger.resetKeys();
  }
}
