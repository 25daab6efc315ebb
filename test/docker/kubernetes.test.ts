import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { Redis } from 'iovalkey';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import t from 'tap';
import { parseAllDocuments } from 'yaml';

import { readBrush } from '../../src/cli/brush.ts';
import { parseShard } from '../../src/cli/pictures.ts';
import { stylizeOptions } from '../../src/cli/stylize.ts';
import { readArguments } from '../../src/cli/usage.ts';
import { readWork } from '../../src/cli/work.ts';
import { readConfig, strayVariables } from '../../src/config.ts';
import { build } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { skip, startRedis } from '../support/redis.ts';
import { readYaml, root, variables } from './files.ts';

const folder = 'docker/kubernetes';
const schemas = {
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  NetworkPolicy,
  PodDisruptionBudget,
  PrometheusRule,
  Service,
  ServiceMonitor,
  StatefulSet,
};
type Kind = keyof typeof schemas;
type Tree = Record<string, unknown>;
interface Manifest extends Tree {
  kind: Kind;
  metadata: { name: string } & Tree;
}

interface Kustomization {
  resources?: string[];
  components?: string[];
  patches?: { path: string }[];
  images?: { name: string }[];
}

/**
 * What kustomize makes of a folder, as far as ours use kustomize: resources, patches, and components,
 * which add and change what was there before them.
 */
function render(path: string, before: readonly Manifest[] = []): Manifest[] {
  const { resources = [], components = [], patches = [] } = readKustomization(path);
  const own = resources.flatMap((entry): Manifest[] => {
    const inner = join(path, entry);
    return entry.endsWith('.yaml') ? [readYaml(inner) as Manifest] : render(inner);
  });
  const manifests = components.reduce(
    (all, component) => render(join(path, component), all),
    [...before, ...own],
  );
  const changes = patches.map((patch) => readYaml(join(path, patch.path)) as Manifest);
  return manifests.map((manifest) =>
    changes
      .filter(({ kind, metadata: { name } }) => isNamed(manifest, kind, name))
      .reduce((merged, change) => mergeTrees(merged, change) as Manifest, manifest),
  );
}

const isNamed = ({ kind, metadata }: Manifest, otherKind: Kind, name: string) =>
  kind === otherKind && metadata.name === name;

const readKustomization = (path: string) =>
  readYaml(join(path, 'kustomization.yaml')) as Kustomization;

/** A strategic merge: maps key by key, lists of named things by name, other values replaced. */
function merge(base: unknown, change: unknown): unknown {
  if (isTree(base) && isTree(change)) return mergeTrees(base, change);
  if (isNamedList(base) && isNamedList(change)) {
    const byName = (list: NamedList) => Object.fromEntries(list.map((item) => [item.name, item]));
    return Object.values(mergeTrees(byName(base), byName(change)));
  }
  return change === undefined ? base : change;
}

function mergeTrees(base: Tree, change: Tree): Tree {
  const keys = Object.keys({ ...base, ...change });
  return Object.fromEntries(keys.map((key) => [key, merge(base[key], change[key])]));
}

type NamedList = { name: string }[];
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNamedList = (value: unknown): value is NamedList =>
  Array.isArray(value) && value.every((item) => isTree(item) && typeof item['name'] === 'string');

const finder =
  (manifests: readonly Manifest[]) =>
  <K extends Kind>(kind: K, name = 'adain-server') =>
    manifests.find((manifest) => isNamed(manifest, kind, name)) as unknown as InstanceType<
      (typeof schemas)[K]
    >;

const withValkey = ['NetworkPolicy', 'Service', 'StatefulSet'] as const;

for (const overlay of ['cpu', 'gpu', 'cpu-valkey']) {
  const path = `${folder}/overlays/${overlay}`;
  const manifests = render(path);
  const find = finder(manifests);
  const hasValkey = overlay === 'cpu-valkey';

  t.test(`${overlay}: every manifest follows its schema`, async (t) => {
    for (const manifest of manifests) {
      const { kind, metadata } = manifest;
      const schema = schemas[kind] as new (data: unknown) => { validate(): void };
      t.doesNotThrow(() => {
        new schema(manifest).validate();
      }, `${kind} ${metadata.name}`);
    }
    const kinds = Object.keys(schemas).filter((kind) => !['Job', 'StatefulSet'].includes(kind));
    const wanted = [...kinds, ...(hasValkey ? withValkey : [])].sort();
    t.same(manifests.map(({ kind }) => kind).sort(), wanted, 'one of each');
  });

  t.test(`${overlay}: what refers to each other fits`, async (t) => {
    const deployment = find('Deployment');
    const pod = deployment.spec?.template;
    const labels = pod?.metadata?.labels;
    const [container] = pod?.spec?.containers ?? [];
    const ports = container?.ports?.map(({ name }) => name);

    t.same(deployment.spec?.selector.matchLabels, labels);
    const service = find('Service');
    t.same(service.spec?.selector, labels);
    t.same(
      service.spec?.ports?.map(({ targetPort }) => targetPort),
      ports,
    );
    t.same(find('PodDisruptionBudget').spec?.selector?.matchLabels, labels);
    t.same(find('NetworkPolicy').spec?.podSelector.matchLabels, labels);
    t.same(
      find('NetworkPolicy').spec?.ingress?.flatMap((rule) => rule.ports?.map(({ port }) => port)),
      ports,
    );
    const monitor = find('ServiceMonitor');
    t.same(monitor.spec.selector.matchLabels, service.metadata?.labels);
    t.same(
      monitor.spec.endpoints.map(({ port }) => port),
      service.spec?.ports?.map(({ name }) => name),
    );

    const autoscaler = find('HorizontalPodAutoscaler');
    t.match(autoscaler.spec?.scaleTargetRef, {
      kind: deployment.kind,
      name: deployment.metadata?.name,
    });
    const adapter = readYaml(`${folder}/monitoring/prometheus-adapter.values.yaml`) as {
      rules: { custom: { name: { as: string } }[] };
    };
    t.same(
      autoscaler.spec?.metrics?.map(({ pods }) => pods?.metric.name),
      adapter.rules.custom.map(({ name }) => name.as),
    );
    const naming = hasValkey ? join(path, '../cpu') : path;
    t.same(
      readKustomization(naming).images?.map(({ name }) => name),
      [container?.image],
      'the image that kustomize names anew',
    );
    t.same(find('PrometheusRule').spec, readYaml('docker/prometheus/rules.yml'));
  });

  t.test(`${overlay}: the pod is what the service expects`, async (t) => {
    const { spec } = find('Deployment').spec?.template ?? {};
    const [container] = spec?.containers ?? [];
    const env = Object.fromEntries(
      (container?.env ?? []).map(({ name, value }) => [name, value ?? '']),
    );
    for (const name of Object.keys(env)) t.ok(variables.has(name), name);
    const config = readConfig(env);
    const shutdown = config.ADAIN_SHUTDOWN_DELAY_MS + config.ADAIN_SHUTDOWN_GRACE_MS;
    t.ok((spec?.terminationGracePeriodSeconds ?? 0) * 1000 >= shutdown, 'time to finish');
    t.same(
      container?.ports?.map(({ containerPort }) => containerPort),
      [config.PORT],
    );

    const app = await build(t, {}, { createEngine: fakeEngine() });
    const paths = [container?.startupProbe, container?.readinessProbe, container?.livenessProbe];
    for (const probe of [...paths, ...[{ httpGet: { path: '/metrics' } }]]) {
      const url = probe?.httpGet?.path ?? '';
      t.ok(app.hasRoute({ method: 'GET', url }), url);
    }
    t.match(spec?.securityContext, { runAsNonRoot: true, runAsUser: 1000 });
    t.match(container?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const { requests, limits } = container?.resources ?? {};
    t.ok(limits?.['memory'], 'a memory limit');
    t.equal(requests?.['memory'], limits?.['memory'], 'which the service counts on');
    t.equal('nvidia.com/gpu' in (container?.resources?.limits ?? {}), overlay === 'gpu');
  });
}

t.test('job: its workers share the pictures of a volume', async (t) => {
  const job = finder(render(`${folder}/job`))('Job', 'adain-stylize');
  t.doesNotThrow(() => {
    new Job(job).validate();
  });
  const pod = job.spec?.template.spec;
  const [container] = pod?.containers ?? [];
  t.same(
    readKustomization(`${folder}/job`).images?.map(({ name }) => name),
    [container?.image],
  );

  const [command, ...args] = container?.args ?? [];
  t.equal(command, 'stylize');
  t.equal(pod?.securityContext?.fsGroupChangePolicy, 'OnRootMismatch');
  const count = job.spec?.completions ?? 0;
  t.equal(job.spec?.completionMode, 'Indexed');
  const asked = args.map((arg) => arg.replace('$(JOB_COMPLETION_INDEX)', String(count - 1)));
  const given = readArguments(asked, stylizeOptions);
  t.same(
    parseShard(given.required('shard')),
    { index: count - 1, count },
    'as many as completions',
  );
  await t.resolves(readBrush(given));
  const { hostname, port } = new URL(readWork(given).server ?? '');
  const service = finder(render(`${folder}/base`))('Service');
  t.equal(hostname, service.metadata?.name);
  t.same(
    service.spec?.ports?.map(({ port }) => port),
    [Number(port || 80)],
  );
  const mounts = container?.volumeMounts ?? [];
  const paths = [...given.positionals, given.required('out')];
  t.ok(paths.every((path) => mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`))));
  t.same(
    pod?.volumes?.map(({ name }) => name),
    mounts.map(({ name }) => name),
  );

  const [wrong] = job.spec?.podFailurePolicy?.rules ?? [];
  t.match(wrong, { action: 'FailJob', onExitCodes: { operator: 'In', values: [2] } });
  t.equal(wrong?.onExitCodes?.containerName, container?.name);
  t.equal(pod?.restartPolicy, 'Never', 'or the policy would not be allowed');
  t.match(pod?.securityContext, { runAsNonRoot: true, runAsUser: 1000 });
  t.match(container?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  t.ok(container?.resources?.limits?.['memory'], 'a memory limit');
});

t.test('without Valkey the service may call nobody', async (t) => {
  for (const overlay of ['cpu', 'gpu']) {
    const policy = finder(render(`${folder}/overlays/${overlay}`))('NetworkPolicy');
    t.match(policy.spec, { policyTypes: ['Ingress', 'Egress'] });
    t.same(policy.spec?.egress, []);
  }
});

t.test('with Valkey the service may call that alone, and only it may', async (t) => {
  const find = finder(render(`${folder}/overlays/cpu-valkey`));
  const valkey = find('StatefulSet', 'adain-valkey').spec;
  const service = find('Service', 'adain-valkey');
  const [container] = valkey?.template.spec?.containers ?? [];
  const { containerPort: port = 0, name = '' } = container?.ports?.[0] ?? {};
  const labels = valkey?.template.metadata?.labels;
  const own = find('Deployment').spec?.template;

  t.same(valkey?.selector.matchLabels, labels);
  t.equal(valkey?.serviceName, service.metadata?.name);
  t.same(service.spec?.selector, labels);
  t.same(service.spec?.ports, [{ name, port, targetPort: name }]);
  const ports = [{ port, protocol: 'TCP' }];
  const theirs = find('NetworkPolicy', 'adain-valkey').spec;
  t.match(theirs, { podSelector: { matchLabels: labels }, policyTypes: ['Ingress', 'Egress'] });
  const peers = (matchLabels: unknown) => [{ podSelector: { matchLabels } }];
  t.same(theirs?.ingress, [{ from: peers(own?.metadata?.labels), ports }]);
  t.same(theirs?.egress, []);
  const ours = find('NetworkPolicy').spec;
  t.match(ours, { policyTypes: ['Ingress', 'Egress'] });
  t.same(ours?.egress, [{ to: peers(labels), ports }]);

  // DNS is closed: Kubernetes puts the address into the environment.
  const link = `${String(service.metadata?.name).toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`;
  t.equal(own?.spec?.enableServiceLinks, true);
  const env = own?.spec?.containers[0]?.env ?? [];
  const place = env.find((one) => one.name === 'ADAIN_STYLE_STORE')?.value;
  t.equal(place, `redis://$(${link}):${port}`);
  t.same(strayVariables({ [link]: '10.0.0.1', ADAIN_VALKEY_PORT: 'tcp://10.0.0.1:6379' }), []);

  t.match(valkey?.template.spec?.securityContext, { runAsNonRoot: true });
  t.match(container?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const mounted = container?.volumeMounts?.map(({ name }) => name);
  t.same(
    valkey?.volumeClaimTemplates?.map(({ metadata }) => metadata?.name),
    mounted,
  );
});

t.test('Valkey keeps what is registered, in both deployments', { skip }, async (t) => {
  const valkey = finder(render(`${folder}/overlays/cpu-valkey`))('StatefulSet', 'adain-valkey');
  const args = valkey.spec?.template.spec?.containers[0]?.args ?? [];
  const { services } = readYaml('docker/compose.yaml') as {
    services: Record<string, { command?: string[] }>;
  };
  t.same(services['valkey']?.command, args);
  const redis = await startRedis(t, '--dir', t.testdir({}), ...args);
  const { port } = new URL(redis.url);
  const asked = ['maxmemory', 'maxmemory-policy', 'appendonly', 'save'];
  const client = new Redis(Number(port));
  t.teardown(() => {
    client.disconnect();
  });
  const found = await Promise.all(asked.map(async (name) => client.config('GET', name)));
  t.same(Object.fromEntries(found as [string, string][]), {
    maxmemory: String(2 ** 30),
    'maxmemory-policy': 'volatile-lru',
    appendonly: 'yes',
    save: '',
  });
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).error === undefined;
t.test(
  'kubectl renders the same',
  { skip: !hasKubectl && 'NOT CHECKED: there is no kubectl' },
  async (t) => {
    for (const overlay of ['cpu', 'gpu', 'cpu-valkey']) {
      const path = `${folder}/overlays/${overlay}`;
      const { stdout } = spawnSync('kubectl', ['kustomize', root(path)], { encoding: 'utf8' });
      const theirs = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
      const find = finder(theirs);
      for (const ours of render(path)) {
        const their = find(ours.kind, ours.metadata.name) as unknown as Manifest;
        t.equal(their.metadata['namespace'], 'adain');
        const bare = (manifest: Manifest) => sorted({ ...manifest, metadata: null });
        const image = /registry\.example\.com\/adain-server:[\w.-]+/;
        const text = JSON.stringify(bare(their)).replace(image, 'adain-server');
        t.equal(text, JSON.stringify(bare(ours)), `${overlay}: ${ours.kind} ${ours.metadata.name}`);
      }
    }
  },
);

/** Keys, and things with names, in their order: kustomize puts what a patch adds in front. */
function sorted(tree: unknown): unknown {
  if (isNamedList(tree)) return tree.map(sorted).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  if (Array.isArray(tree)) return tree.map(sorted);
  if (!isTree(tree)) return tree;
  return Object.fromEntries(
    Object.keys(tree)
      .sort()
      .map((key) => [key, sorted(tree[key])]),
  );
}

const nameOf = (item: unknown) => (item as { name: string }).name;

t.test('no file is forgotten', async (t) => {
  const overlays = ['overlays/cpu', 'overlays/gpu', 'overlays/cpu-valkey'];
  const used = ['base', 'job', 'monitoring', 'valkey', ...overlays].flatMap((part) => {
    const { resources = [], patches = [] } = readKustomization(`${folder}/${part}`);
    return [...resources, ...patches.map(({ path }) => path), 'kustomization.yaml'].map((entry) =>
      join(part, entry),
    );
  });
  const there = readdirSync(root(folder), { recursive: true, encoding: 'utf8' });
  t.same(
    there.filter((path) => path.endsWith('.yaml') && !used.includes(path)),
    ['monitoring/prometheus-adapter.values.yaml'],
  );
});

t.test('the schemas do refuse', async (t) => {
  const wrong = merge(readYaml(`${folder}/base/deployment.yaml`), { spec: { replicas: 'two' } });
  t.throws(() => {
    new Deployment(wrong as Deployment).validate();
  }, /replicas/);
});
