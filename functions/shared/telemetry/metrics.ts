/** CloudWatch metrics in the embedded metric format. */
import { Metrics as PowertoolsMetrics, MetricUnit } from "@aws-lambda-powertools/metrics";

/** CloudWatch metrics in the namespace "Almanac", with the dimensions `service` (the feature) and `environment`. */
export interface Metrics {
  count(name: string, value: number): void;
  /** With one more dimension. CloudWatch charges each value of it as a metric. Written immediately. */
  countBy(dimension: { readonly name: string; readonly value: string }, name: string, value: number): void;
  milliseconds(name: string, value: number): void;
  /** Writes the collected metrics to standard output in CloudWatch's embedded metric format. */
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
