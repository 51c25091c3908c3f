/** Benchmark: the cost of a month of checks. */
import * as z from "zod";
import { PRICES } from "../../../shared/aws/prices";
import { synthesize } from "../../../../test/support/synthesized";
import { withProcesses } from "../child-processes";
import { figure, figureAtMost, type Figure } from "../figure";
import { handlerEnvironment } from "./handler-environment";
import {
  countedSchema,
  COUNTED_TARGETS,
  COUNTED_TICKS,
  TICK_MINUTES,
  WARM_UP_TICKS,
  type Counted,
} from "./processes/messages";

const TICKS_A_MONTH = (730 * 60) / TICK_MINUTES;
const GIGABYTE = 1_073_741_824;

/** DynamoDB's storage overhead for each item. */
const ITEM_OVERHEAD_BYTES = 100;
const TELEMETRY_DAYS = 90;
const HOUR_DAYS = 10;
/** Daily roll-ups do not expire: those of a year. */
const STORED_DAYS = 365;

/** Lambda's START and REPORT lines of one invocation, as JSON. */
const PLATFORM_LOG_BYTES = 900;

/** Checker and publisher. */
const INVOCATIONS_A_TICK = 2;

/**
 * Cost of a target: the requests of an environment with 100 targets, counted over two hours and extrapolated to a month. Fixed
 * costs of the environment (alarms, metrics, a key) are a separate figure.
 */
export async function benchCost(): Promise<readonly Figure[]> {
  let output = "";
  const counted = await withProcesses(__dirname, ["counted-hours"], async (start) => {
    const onOutput = (text: string): void => {
      output += text;
    };
    return countedSchema.parse(await start("counted-hours", { environment: handlerEnvironment(""), onOutput }));
  });
  const shape = environmentShape();
  const parts = costsPerTarget(counted, Buffer.byteLength(output) / (WARM_UP_TICKS + COUNTED_TICKS), shape);
  const total = Object.values(parts).reduce((sum, usd) => sum + usd, 0);
  return [
    figureAtMost("usd_per_target_month", total, "USD", 0.04),
    ...Object.entries(parts).map(([name, usd]) => figure(`usd_${name}`, usd, "USD")),
    figure("usd_canary_month", TICKS_A_MONTH * PRICES.cloudWatch.canaryRun, "USD"),
    figure("usd_environment_month", shape.monthly + metricNames(output).size * PRICES.cloudWatch.metricMonth, "USD"),
  ];
}

/** Dollars per target and month, by service. */
function costsPerTarget(
  { dynamodb, s3, seconds, stored }: Counted,
  logBytesPerTick: number,
  memory: EnvironmentShape,
): Readonly<Record<string, number>> {
  /** From the total of the counted ticks to one target's month. */
  const monthly = (used: number) => (used / COUNTED_TICKS / COUNTED_TARGETS) * TICKS_A_MONTH;
  const perTick = (used: number) => monthly(used * COUNTED_TICKS);
  const gbSeconds = seconds.check * memory.checkGb + seconds.publish * memory.publishGb;
  const logGb = perTick(logBytesPerTick + INVOCATIONS_A_TICK * PLATFORM_LOG_BYTES) / GIGABYTE;
  const storedBytes =
    (stored.row + ITEM_OVERHEAD_BYTES) * TELEMETRY_DAYS * 24 * (60 / TICK_MINUTES) +
    (stored.hour + ITEM_OVERHEAD_BYTES) * HOUR_DAYS * 24 +
    (stored.day + ITEM_OVERHEAD_BYTES) * STORED_DAYS +
    (stored.state + ITEM_OVERHEAD_BYTES);
  return {
    dynamodb_writes: monthly(dynamodb.writeUnits) * PRICES.dynamodb.writeRequestUnit,
    dynamodb_reads: monthly(dynamodb.readUnits) * PRICES.dynamodb.readRequestUnit,
    dynamodb_storage: (storedBytes / GIGABYTE) * PRICES.dynamodb.storageGbMonth,
    lambda: monthly(gbSeconds) * PRICES.lambda.gbSecond + perTick(INVOCATIONS_A_TICK) * PRICES.lambda.request,
    s3: monthly(s3.writes) * PRICES.s3.write + monthly(s3.reads) * PRICES.s3.read,
    // Retention: a month.
    logs: logGb * (PRICES.cloudWatch.logIngestedGb + PRICES.cloudWatch.logStoredGbMonth),
    traces: perTick(INVOCATIONS_A_TICK) * PRICES.xray.trace,
  };
}

interface EnvironmentShape {
  readonly checkGb: number;
  readonly publishGb: number;
  /** Fixed dollars a month, without metrics. */
  readonly monthly: number;
}

function environmentShape(): EnvironmentShape {
  const { root, modules } = synthesize({ heartbeats: { targets: [{ name: "site", url: "https://example.org/" }] } });
  const functions = modules["heartbeats"]?.resource["aws_lambda_function"];
  const megabytes = (value: unknown) => z.number().parse(value) / 1_024;
  const countOf = (type: string) =>
    [root, ...Object.values(modules)].flatMap(({ resource }) => Object.keys(resource[type] ?? {})).length;
  return {
    checkGb: megabytes(root.module["heartbeats"]?.["memory_mb"]),
    publishGb: megabytes(functions?.["publish"]?.["memory_size"]),
    monthly:
      countOf("aws_cloudwatch_metric_alarm") * PRICES.cloudWatch.alarmMonth +
      countOf("aws_kms_key") * PRICES.kms.keyMonth,
  };
}

const metricsSchema = z.object({
  _aws: z.object({
    CloudWatchMetrics: z.array(z.object({ Metrics: z.array(z.object({ Name: z.string() })) })),
  }),
});

function metricNames(output: string): ReadonlySet<string> {
  const lines = output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as unknown] : []));
  const documents = lines.flatMap((line) => metricsSchema.safeParse(line).data ?? []);
  return new Set(
    documents.flatMap(({ _aws }) => _aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name))),
  );
}
