import { Metrics as PowertoolsMetrics, MetricUnit } from "@aws-lambda-powertools/metrics";

/** CloudWatch metrics in the namespace "Almanac", with the dimensions `service` (the feature) and `environment`. */
export interface Metrics {
  count(name: string, value: number): void;
  /** The same, told apart by one more dimension: each of its values is a metric of its own, and costs as one. Written at once. */
  countBy(dimension: { readonly name: string; readonly value: string }, name: string, value: number): void;
  milliseconds(name: string, value: number): void;
  /** Writes what was gathered to standard output, as CloudWatch's embedded metric format. Nothing gathered, nothing written. */
  flush(): void;
}

export function createMetrics(feature: string, environment: string): Metrics {
  const metrics = new PowertoolsMetrics({
    namespace: "Almanac",
    serviceName: feature,
    defaultDimensions: { environment },
  });
  return {
    count: (name, value) => {
      metrics.addMetric(name, MetricUnit.Count, value);
    },
    countBy: (dimension, name, value) => {
      const single = metrics.singleMetric();
      single.addDimension(dimension.name, dimension.value);
      single.addMetric(name, MetricUnit.Count, value);
    },
    milliseconds: (name, value) => {
      metrics.addMetric(name, MetricUnit.Milliseconds, value);
    },
    flush: () => {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}
