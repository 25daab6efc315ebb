import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client';

/** What a process keeps, as `Registry.getMetricsAsJSON` has it. */
export type OwnMetrics = readonly MetricObjectWithValues<MetricValue<string>>[];

interface Told {
  /** Of the process. */
  readonly number: number;
  /** Undefined where it has not told in time. */
  readonly metrics: OwnMetrics | undefined;
}

/** The text of all processes: every series is of one of them, which its label `process` tells. */
export function textOf(processes: readonly Told[]): Promise<string> {
  const labelled = processes.map(({ number, metrics = [] }) =>
    metrics.map((metric) => ({
      ...metric,
      aggregator: 'sum' as const, // of one each; others would leave metrics out
      values: metric.values.map((value) => ({
        ...value,
        labels: { process: String(number), ...value.labels },
      })),
    })),
  );
  return AggregatorRegistry.aggregate(labelled).metrics();
}
