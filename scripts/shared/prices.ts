/**
 * The one price table: what AWS asks, in US dollars, in us-east-1, on demand, beyond every free tier. Other regions ask up to a
 * fifth more. Source: each service's page at https://aws.amazon.com/<service>/pricing/, as known in November 2026; there is no
 * discount in it and no tax. Benches and cost estimates multiply what they counted by it, and say which of it they left out.
 */

const MILLION = 1_000_000;

export const PRICES = {
  dynamodb: {
    /** A write of up to 1 KB; a transactional one counts twice. */
    writeRequestUnit: 0.625 / MILLION,
    /** A strongly consistent read of up to 4 KB; an eventually consistent one counts half, a transactional one twice. */
    readRequestUnit: 0.125 / MILLION,
    storageGbMonth: 0.25,
    pointInTimeRecoveryGbMonth: 0.2,
    exportedGb: 0.1,
  },
  lambda: {
    request: 0.2 / MILLION,
    /** On arm64. */
    gbSecond: 0.000_013_333_4,
  },
  sqs: {
    /** Of a standard queue: up to 64 KB, whether it carries one message or ten. */
    request: 0.4 / MILLION,
  },
  s3: {
    /** PUT, COPY, POST, LIST. */
    write: 5 / MILLION,
    /** GET and all others; DELETE is free. */
    read: 0.4 / MILLION,
    storageGbMonth: 0.023,
  },
  stepFunctions: {
    /** Of a standard workflow. */
    stateTransition: 25 / MILLION,
  },
  eventBridge: {
    /** An event of one's own. What a schedule rule sends, and events of AWS services, are free. */
    customEvent: 1 / MILLION,
    /** EventBridge Scheduler. */
    schedulerInvocation: 1 / MILLION,
  },
  apiGateway: {
    /** Of a REST API. */
    request: 3.5 / MILLION,
  },
  sns: {
    publish: 0.5 / MILLION,
  },
  cloudWatch: {
    alarmMonth: 0.1,
    compositeAlarmMonth: 0.5,
    metricMonth: 0.3,
    dashboardMonth: 3,
    logIngestedGb: 0.5,
    logStoredGbMonth: 0.03,
    canaryRun: 0.0012,
  },
  kms: {
    keyMonth: 1,
    request: 0.03 / 10_000,
  },
  xray: {
    trace: 5 / MILLION,
  },
  athena: {
    scannedTb: 5,
  },
  cloudFront: {
    request: 1 / MILLION,
    transferredGb: 0.085,
  },
} as const;

type Services = typeof PRICES;

/** What is counted at a price: `lambda.request`. */
export type Meter = { [Service in keyof Services]: `${Service}.${keyof Services[Service] & string}` }[keyof Services];

/**
 * What AWS gives every account each month, for as long as it has it: https://aws.amazon.com/free, "always free". All environments
 * of an account share it. What is free for a new account only is not in it.
 */
export const FREE_A_MONTH: Readonly<Partial<Record<Meter, number>>> = {
  "cloudWatch.alarmMonth": 10,
  "cloudWatch.metricMonth": 10,
  "cloudWatch.dashboardMonth": 3,
  "cloudWatch.logIngestedGb": 5,
  "lambda.request": MILLION,
  "lambda.gbSecond": 400_000,
  "sqs.request": MILLION,
  "sns.publish": MILLION,
  "stepFunctions.stateTransition": 4_000,
  "kms.request": 20_000,
  "xray.trace": 100_000,
  "dynamodb.storageGbMonth": 25,
  "cloudFront.request": 10 * MILLION,
  "cloudFront.transferredGb": 1_000,
};

/** No region that AWS sells to everybody asks more than so many times the prices of us-east-1 for what is used here ... */
export const DEAREST_REGION = 1.2;

/** ... and for these, all of them ask the same. */
export const SAME_IN_ALL_REGIONS: ReadonlySet<Meter> = new Set<Meter>([
  "cloudWatch.alarmMonth",
  "cloudWatch.compositeAlarmMonth",
  "cloudWatch.metricMonth",
  "cloudWatch.dashboardMonth",
  "kms.keyMonth",
]);

/** The price of one. */
export function priceOf(meter: Meter): number {
  const [service = "", name = ""] = meter.split(".");
  const prices: Readonly<Record<string, Readonly<Record<string, number>>>> = PRICES;
  const price = prices[service]?.[name];
  if (price === undefined) throw new RangeError(`there is no price ${meter}`);
  return price;
}
