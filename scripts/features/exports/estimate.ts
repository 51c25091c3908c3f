/** Estimates cost and duration of an export, from the table's size and the worker's measured throughput. */
import type { ExportConfig } from "../../../functions/exports/contract";
import { PRICES } from "../../shared/aws/prices";

/** A worker's throughput in bytes of table, with a margin: `npm run bench -- exports`. */
const BYTES_PER_SECOND = 40e6;

/** Plain JSON is longer than DynamoDB's size of an item. */
const JSON_SHARE = 1.2;
const GZIP_SHARE = 0.2;

const CHUNK_BYTES = 8 * 1_048_576;
const MEGABYTE = 1_048_576;
const LAMBDA_GB = 1_769 / 1_024;
const INVOCATION_SECONDS = 850;
const SEGMENTS_AT_A_TIME = 40;

/** Before the first page and after the last: state machine, cold starts, manifest. */
const AROUND_SECONDS = 10;

/** DynamoDB's own export takes minutes whatever the size. */
const NATIVE_SECONDS = 600;

export interface Estimate {
  /** US dollars by service. */
  readonly costs: Readonly<Record<"DynamoDB" | "S3" | "Lambda" | "Step Functions", number>>;
  readonly dollars: number;
  readonly seconds: number;
}

/** @param table DynamoDB's own figures, which may be six hours old */
export function estimate(
  config: Pick<
    ExportConfig,
    "engine" | "mode" | "format" | "compression" | "segments" | "partMegabytes" | "maxReadUnitsPerSecond"
  >,
  { bytes }: { readonly bytes: number },
): Estimate {
  if (config.engine === "dynamodb-export") {
    const DynamoDB = (bytes / 1e9) * PRICES.dynamodb.exportedGb;
    return summed({ DynamoDB, S3: 0, Lambda: 0, "Step Functions": 0 }, NATIVE_SECONDS);
  }
  const segments = config.format === "json" ? 1 : config.segments;
  // Eventually consistent reads cost half; incremental exports read consistently.
  const units = (bytes / 4_096) * (config.mode === "incremental" ? 1 : 0.5);
  const workerSeconds = bytes / BYTES_PER_SECOND;
  const written = bytes * JSON_SHARE;
  const parts = Math.max(segments, written / (config.partMegabytes * MEGABYTE));
  const stored = written * (config.compression === "gzip" ? GZIP_SHARE : 1);
  const capped = config.maxReadUnitsPerSecond === undefined ? 0 : units / config.maxReadUnitsPerSecond;
  const seconds = AROUND_SECONDS + Math.max(workerSeconds / Math.min(segments, SEGMENTS_AT_A_TIME), capped);
  // A rate-limited worker waits in Lambda, which is billed.
  const lambdaSeconds = Math.max(workerSeconds, capped * Math.min(segments, SEGMENTS_AT_A_TIME)) + segments;
  return summed(
    {
      DynamoDB: units * PRICES.dynamodb.readRequestUnit + parts * 6 * PRICES.dynamodb.writeRequestUnit,
      S3: (stored / CHUNK_BYTES + 3 * parts) * PRICES.s3.write,
      Lambda: lambdaSeconds * LAMBDA_GB * PRICES.lambda.gbSecond,
      "Step Functions":
        (12 + segments * (1 + 2 * Math.ceil(lambdaSeconds / segments / INVOCATION_SECONDS))) *
        PRICES.stepFunctions.stateTransition,
    },
    seconds,
  );
}

function summed(costs: Estimate["costs"], seconds: number): Estimate {
  return { costs, dollars: Object.values(costs).reduce((sum, each) => sum + each, 0), seconds };
}
