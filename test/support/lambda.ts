/** The context of an invocation. */
import type { Context } from "aws-lambda";

/** What Lambda hands a handler beside the event. */
export function lambdaContext(remainingMs = 60_000): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: "almanac-test-feature",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:000000000000:function:almanac-test-feature",
    memoryLimitInMB: "512",
    awsRequestId: "11111111-2222-3333-4444-555555555555",
    logGroupName: "/aws/lambda/almanac-test-feature",
    logStreamName: "stream",
    getRemainingTimeInMillis: () => remainingMs,
    // Deprecated, yet the type asks for them.
    /* oxlint-disable typescript/no-deprecated */
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
    /* oxlint-enable typescript/no-deprecated */
  };
}

/** What EventBridge sends when a rule with a schedule fires. */
export function scheduledEvent(overrides: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    version: "0",
    id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: "000000000000",
    time: "2024-11-21T06:55:00Z",
    region: "eu-central-1",
    resources: ["arn:aws:events:eu-central-1:000000000000:rule/almanac-test-heartbeats"],
    detail: {},
    ...overrides,
  };
}

/** Lines that a handler has written in the current test: Powertools' logs and metrics. */
export interface Output {
  readonly lines: () => readonly Readonly<Record<string, unknown>>[];
}

/**
 * Gives each test of a file, or of a `describe`, the environment that a deployed handler has, and captures what the handler writes.
 * Call it before the test's own `beforeEach`.
 *
 * @param variables the handler's own
 */
export function setupHandler(feature: string, variables: Readonly<Record<string, string>> = {}): Output {
  const environment = process.env;
  let written: string[] = [];
  beforeEach(() => {
    process.env = {
      ...environment,
      // Powertools writes to the console, which can be mocked. The first variable alone would turn metrics off.
      POWERTOOLS_DEV: "true",
      POWERTOOLS_METRICS_DISABLED: "false",
      AWS_REGION: "eu-central-1",
      POWERTOOLS_SERVICE_NAME: feature,
      ALMANAC_APP: "almanac",
      ALMANAC_ENVIRONMENT: "test",
      ...variables,
    };
    written = [];
    for (const method of ["log", "debug", "info", "warn", "error"] as const)
      jest.spyOn(console, method).mockImplementation((...[line]: unknown[]) => {
        written.push(String(line));
      });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    process.env = environment;
  });
  return { lines: () => written.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) };
}
