import t from 'tap';

import { textOf } from '../../src/cluster/metrics.ts';
import { shareOf } from '../../src/cluster/share.ts';
import { readConfig } from '../../src/config.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

const gpus = [{ name: 'NVIDIA H200', freeMiB: 140_000 }];
const machine = { cores: 16, memoryBytes: 32.12e9, gpus };
const configOf = (environment: Record<string, string>) =>
  readConfig({ ADAIN_STYLE_STORE: 'folder:/styles', ...environment });

t.test('each process has its part of what the machine has', async (t) => {
  const share = shareOf(configOf({ ADAIN_PROCESSES: '3' }), machine);
  t.match(share.config, {
    ADAIN_THREADS: 5,
    ADAIN_MEMORY_BYTES: Math.floor(32e9 / 3),
    ADAIN_MAX_CONNECTIONS: 334,
    ADAIN_QUEUE_LIMIT: 64,
    ADAIN_STYLE_STORE: 'folder:/styles',
  });
  t.same(share.gpus, [{ name: 'NVIDIA H200', freeMiB: 46_666 }]);
});

t.test('of what the service is given, if that is said', async (t) => {
  const given = {
    ADAIN_PROCESSES: '4',
    ADAIN_THREADS: '2',
    ADAIN_MEMORY_BYTES: '4120000000',
    ADAIN_MAX_CONNECTIONS: '10',
  };
  const share = shareOf(configOf(given), { ...machine, gpus: undefined });
  t.match(share.config, {
    ADAIN_THREADS: 1,
    ADAIN_MEMORY_BYTES: 1e9,
    ADAIN_MAX_CONNECTIONS: 3,
  });
  t.equal(share.gpus, undefined);
});

t.test('processes must share their styles', async (t) => {
  const alone = () => readConfig({ ADAIN_PROCESSES: '2' });
  t.throws(
    alone,
    /^ADAIN_PROCESSES is "2": expected 1, or ADAIN_STYLE_STORE set to folder:\/path or redis:/,
  );
  t.equal(readConfig({}).ADAIN_PROCESSES, 1);
  t.throws(() => configOf({ ADAIN_PROCESSES: '65' }), /from 1 to 64/);
});

t.test('metrics of all processes: every series of each, and nothing summed', async (t) => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.requests.inc({ route: '/stylize', status: 200 }, 3);
  other.requests.inc({ route: '/stylize', status: 200 }, 4);
  other.queueWait.observe(0.3);
  other.queueDepth.set(NaN);
  const text = await textOf([
    { number: 1, metrics: await one.registry.getMetricsAsJSON() },
    { number: 2, metrics: await other.registry.getMetricsAsJSON() },
    { number: 3, metrics: undefined },
  ]);
  t.match(text, 'adain_requests_total{process="1",route="/stylize",status="200"} 3\n');
  t.match(text, 'adain_requests_total{process="2",route="/stylize",status="200"} 4\n');
  t.match(text, 'adain_queue_wait_seconds_bucket{process="2",le="+Inf"} 1\n');
  t.match(text, 'adain_queue_depth{process="2"} Nan\n');
  const alone = await one.registry.metrics();
  const names = (all: string) => new Set(all.match(/^# TYPE \S+ \S+$/gm));
  t.same(names(text), names(alone), 'no metric is left out');
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  t.ok(series.every((line) => /[{,]process="[12]"/.test(line)));
});
