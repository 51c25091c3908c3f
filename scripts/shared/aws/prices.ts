/**
 * AWS's prices in US dollars: us-east-1, on demand, beyond the free tier, without discounts and tax. Other regions cost up to a fifth
 * more. Source: https://aws.amazon.com/<service>/pricing/, November 2026.
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
    /** Standard queue: up to 64 KB, with one message or ten. */
    request: 0.4 / MILLION,
  },
  s3: {
    /** PUT, COPY, POST, LIST. */
    write: 5 / MILLION,
    /** GET and other reads; DELETE is free. */
    read: 0.4 / MILLION,
    storageGbMonth: 0.023,
  },
  stepFunctions: {
    /** Standard workflow. */
    stateTransition: 25 / MILLION,
  },
  eventBridge: {
    /** A custom event. Events of schedule rules and AWS services are free. */
    customEvent: 1 / MILLION,
    /** EventBridge Scheduler. */
    schedulerInvocation: 1 / MILLION,
  },
  apiGateway: {
    /** REST API. */
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

/** A billed quantity: `lambda.request`. */
export type Meter = { [Service in keyof Services]: `${Service}.${keyof Services[Service] & string}` }[keyof Services];

/**
 * The monthly free allowances of every account, shared by its environments: "always free" at https://aws.amazon.com/free. Without
 * the allowances of new accounts.
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

/** The most expensive commercial region's prices relative to us-east-1 ... */
export const HIGHEST_REGIONAL_FACTOR = 1.2;

/** ... except for these, which cost the same in every region. */
export const SAME_IN_ALL_REGIONS: ReadonlySet<Meter> = new Set<Meter>([
  "cloudWatch.alarmMonth",
  "cloudWatch.compositeAlarmMonth",
  "cloudWatch.metricMonth",
  "cloudWatch.dashboardMonth",
  "kms.keyMonth",
]);

/** Dollars for one unit. */
export function priceOf(meter: Meter): number {
  const [service = "", name = ""] = meter.split(".");
  const prices: Readonly<Record<string, Readonly<Record<string, number>>>> = PRICES;
  const price = prices[service]?.[name];
  if (price === undefined) throw new RangeError(`no price for ${meter}`);
  return price;
}
