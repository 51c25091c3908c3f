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
    /* eslint-disable @typescript-eslint/no-deprecated */
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
    /* eslint-enable @typescript-eslint/no-deprecated */
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
    time: "2026-11-21T06:55:00Z",
    region: "eu-central-1",
    resources: ["arn:aws:events:eu-central-1:000000000000:rule/almanac-test-heartbeats"],
    detail: {},
    ...overrides,
  };
}

/** Variables with which Powertools writes to the console, which tests can watch. Alone, the first switches metrics off. */
export const OUTPUT_TO_CONSOLE = { POWERTOOLS_DEV: "true", POWERTOOLS_METRICS_DISABLED: "false" } as const;

/**
 * Catches what a handler writes: Powertools' logs and metrics, one JSON document a line. Needs {@link OUTPUT_TO_CONSOLE};
 * `jest.restoreAllMocks()` ends it.
 */
export function captureOutput(): { readonly lines: () => readonly Readonly<Record<string, unknown>>[] } {
  const written: string[] = [];
  for (const method of ["log", "debug", "info", "warn", "error"] as const)
    jest.spyOn(console, method).mockImplementation((...[line]: unknown[]) => {
      written.push(String(line));
    });
  return { lines: () => written.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) };
}
