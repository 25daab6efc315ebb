import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';

import { build, form, photo, type Field } from '../support/app.ts';
import { expressions, freePort, readYaml, root, rules, series } from './files.ts';

const missing = ['prometheus', 'promtool'].some(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);
const skip = missing && 'NOT CHECKED: prometheus and promtool are not installed (apt: prometheus)';
const run = promisify(execFile);

t.test('rules and dashboard name only metrics that exist', async (t) => {
  const recorded = new Set(rules().flatMap(({ record }) => record ?? []));
  for (const { name, text } of expressions()) {
    // A recorded series has colons in its name, a metric of the service none.
    const used = text.match(/[a-z0-9_]+:[a-z0-9_:]+|\b(?:adain|nodejs|process)_[a-z0-9_]+/g) ?? [];
    for (const metric of new Set(used)) {
      t.ok(recorded.has(metric) || series.has(metric), `${name}: ${metric}`);
    }
  }
});

t.test('promtool: configuration, rules, and their unit tests', { skip }, async (t) => {
  await t.resolves(run('promtool', ['check', 'config', root('docker/prometheus/prometheus.yml')]));
  const { stdout } = await run('promtool', ['check', 'rules', root('docker/prometheus/rules.yml')]);
  t.match(stdout, `SUCCESS: ${rules().length} rules found`);
  await t.resolves(run('promtool', ['test', 'rules', root('docker/prometheus/rules.test.yml')]));
});

t.test('the stages of the dashboard are of all pictures, stacked', { skip }, async (t) => {
  const { text } = expressions().find(({ name }) => name === 'panel Where the time goes') ?? {};
  const of = (stage: string, what: string) =>
    `adain_stage_duration_seconds_${what}{job="adain-server", instance="a", stage="${stage}"}`;
  // Ten pictures that take 0.2 s to decode, and one of them 30 s for its frames.
  const input_series = [
    { series: of('decode', 'sum'), values: '0+2x20' },
    { series: of('decode', 'count'), values: '0+10x20' },
    { series: of('frames', 'sum'), values: '0+30x20' },
    { series: of('frames', 'count'), values: '0+1x20' },
  ];
  const expr = `round(sum(${watched(text ?? '').expression}), 0.01)`;
  const promql_expr_test = [{ expr, eval_time: '5m', exp_samples: [{ labels: '{}', value: 3.2 }] }];
  const folder = t.testdir({
    'test.yml': stringify({ tests: [{ interval: '15s', input_series, promql_expr_test }] }),
  });
  await t.resolves(run('promtool', ['test', 'rules', join(folder, 'test.yml')]));
});

t.test('a live Prometheus has data for every expression', { skip }, async (t) => {
  const app = await build(t);
  const service = await app.listen({ port: 0, host: '127.0.0.1' });
  const query = await startPrometheus(t, new URL(service).host);
  const isAnswered = async (expression: string) => (await query(expression)).some(Number.isFinite);
  const named = expressions().map(({ name, text }) => ({ name, ...watched(text) }));
  const missing = async () => {
    const all = named.filter(({ always }) => always);
    const answered = await Promise.all(all.map(({ expression }) => isAnswered(expression)));
    return all.filter((_, i) => !answered[i]).map(({ name }) => name);
  };
  // A rate is known when a series grew between two scrapes, and these come when there is time for them.
  let names = await missing();
  for (let rounds = 0; names.length > 0 && rounds < 200; rounds++) {
    await load(service);
    names = await missing();
  }
  t.same(names, []);
  for (const { name, expression, always } of named) {
    if (!always) t.notOk(await isAnswered(expression), `${name}: ${expression}`);
  }
});

/** Work of every kind, and time for a scrape. */
async function load(service: string): Promise<void> {
  const { styles } = (await (await fetch(`${service}/styles`)).json()) as {
    styles: [{ id: string }];
  };
  const [{ id }] = styles;
  const [content, style] = [await photo(), await photo(48, 48, 2)];
  const visits: [fields: Field[], headers: Record<string, string>, status: number][] = [
    [[['styleId', id]], {}, 200],
    [[['style', style]], {}, 200],
    [[['styleId', 'no-such-style']], {}, 404],
    [[['styleId', id]], { 'request-timeout': '0.001' }, 504],
  ];
  for (const [fields, headers, status] of visits) {
    const { method, url, payload, headers: type } = await form(['content', content], ...fields);
    const reply = await fetch(service + url, {
      method,
      headers: { ...type, ...headers },
      body: new Uint8Array(payload),
    });
    await reply.arrayBuffer();
    if (reply.status !== status) throw new Error(`${reply.status} in place of ${status}`);
  }
  await setTimeout(1000);
}

/** Starts Prometheus with our configuration, but for one address and every second. */
async function startPrometheus(t: Test, target: string) {
  const given = readYaml('docker/prometheus/prometheus.yml') as {
    scrape_configs: [{ job_name: string }];
  };
  const [{ job_name }] = given.scrape_configs;
  const folder = t.testdir({
    'prometheus.yml': stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [root('docker/prometheus/rules.yml')],
      scrape_configs: [{ job_name, static_configs: [{ targets: [target] }] }],
    }),
  });
  const address = `127.0.0.1:${await freePort()}`;
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  t.teardown(async () => {
    prometheus.kill('SIGTERM');
    if (prometheus.exitCode === null) await once(prometheus, 'exit');
  });

  /** The values that an expression has now, one a series. */
  return async (expression: string): Promise<number[]> => {
    const search = new URLSearchParams({ query: expression }).toString();
    const reply = await fetch(`http://${address}/api/v1/query?${search}`).catch(() => undefined);
    if (!reply || reply.status === 503) return []; // not up yet
    const { data, error } = (await reply.json()) as {
      data?: { result: { value: [time: number, value: string] }[] };
      error?: string;
    };
    if (!data) throw new Error(`${expression}: ${error}`);
    return data.result.map(({ value: [, value] }) => Number(value));
  };
}

/**
 * An expression without its threshold, so that it has data while all is well; `absent` has none
 * then.
 */
function watched(text: string): { expression: string; always: boolean } {
  const expression = text
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$job', 'adain-server')
    .replaceAll('$instance', '.*')
    .replaceAll('<<.LabelMatchers>>', 'job="adain-server"')
    .replaceAll('<<.GroupBy>>', 'instance')
    .replace(/ (?:>|<|==) [\d.]+$/, '');
  return { expression, always: !expression.startsWith('absent(') };
}
