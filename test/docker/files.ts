import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { configHelp } from '../../src/config.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

/** A path below the repository's root. */
export const root = (path: string): string =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const readText = (path: string): string => readFileSync(root(path), 'utf8');
export const readYaml = (path: string): unknown => parse(readText(path));

/** The environment variables that the service reads. */
export const variables: ReadonlySet<string> = new Set(
  [...configHelp().matchAll(/^ {2}([A-Z_]+) /gm)].map(([, name = '']) => name),
);

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
}

/** The metrics that the service keeps. */
export const metrics = (await createMetrics().registry.getMetricsAsJSON()).map(
  ({ name, help, type }): Metric => ({ name, help, type: String(type) }),
);

/** The names of their time series. */
export const series: ReadonlySet<string> = new Set(
  metrics.flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
}

/** What Grafana and Prometheus compute, by where it stands. */
export function expressions(): { name: string; text: string }[] {
  const dashboard = JSON.parse(readText('docker/grafana/dashboards/adain-server.json')) as {
    panels: { title: string; targets?: { expr: string }[] }[];
    annotations: { list: { name: string; expr: string }[] };
  };
  const adapter = readYaml('docker/kubernetes/monitoring/prometheus-adapter.values.yaml') as {
    rules: { custom: { name: { as: string }; metricsQuery: string }[] };
  };
  return [
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ name: `panel ${title}`, text: expr })),
    ),
    ...dashboard.annotations.list.map(({ name, expr }) => ({
      name: `annotation ${name}`,
      text: expr,
    })),
    ...rules().map(({ record, alert, expr }) => ({ name: `rule ${record ?? alert}`, text: expr })),
    ...adapter.rules.custom.map(({ name, metricsQuery }) => ({
      name: `autoscaler ${name.as}`,
      text: metricsQuery,
    })),
  ];
}

export function rules(): Rule[] {
  const { groups } = readYaml('docker/prometheus/rules.yml') as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

/**
 * For a program that cannot choose one itself. Below those that systems give to connections and to who
 * listens on port 0, so that nobody has it before the program does, or while that is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(20_000 * Math.random());
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}
