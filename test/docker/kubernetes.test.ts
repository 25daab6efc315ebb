import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Service } from 'kubernetes-models/v1/Service';
import t from 'tap';

import { readConfig } from '../../src/config.ts';
import { build } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { readYaml, root, variables } from './files.ts';

const folder = 'docker/kubernetes';
const schemas = {
  Deployment,
  HorizontalPodAutoscaler,
  NetworkPolicy,
  PodDisruptionBudget,
  PrometheusRule,
  Service,
  ServiceMonitor,
};
type Kind = keyof typeof schemas;
type Tree = Record<string, unknown>;
interface Manifest extends Tree {
  kind: Kind;
  metadata: { name: string };
}

interface Kustomization {
  resources?: string[];
  components?: string[];
  patches?: { path: string }[];
  images?: { name: string }[];
}

/** What kustomize makes of a folder, as far as ours use kustomize: resources, components, patches. */
function render(path: string): Manifest[] {
  const { resources = [], components = [], patches = [] } = readKustomization(path);
  const manifests = [...resources, ...components].flatMap((entry): Manifest[] => {
    const inner = join(path, entry);
    if (!entry.endsWith('.yaml')) return render(inner);
    const manifest = readYaml(inner) as Manifest;
    return [manifest];
  });
  const changes = patches.map((patch) => readYaml(join(path, patch.path)) as Manifest);
  return manifests.map((manifest) =>
    changes
      .filter((change) => change.kind === manifest.kind)
      .reduce((merged, change) => mergeTrees(merged, change) as Manifest, manifest),
  );
}

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

for (const overlay of ['cpu', 'gpu']) {
  const path = `${folder}/overlays/${overlay}`;
  const manifests = render(path);
  const find = <K extends Kind>(kind: K) =>
    manifests.find((manifest) => manifest.kind === kind) as unknown as InstanceType<
      (typeof schemas)[K]
    >;

  t.test(`${overlay}: every manifest follows its schema`, async (t) => {
    for (const manifest of manifests) {
      const { kind, metadata } = manifest;
      const schema = schemas[kind] as new (data: unknown) => { validate(): void };
      t.doesNotThrow(() => {
        new schema(manifest).validate();
      }, `${kind} ${metadata.name}`);
    }
    t.same(manifests.map(({ kind }) => kind).sort(), Object.keys(schemas).sort(), 'one of each');
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
    t.same(
      readKustomization(path).images?.map(({ name }) => name),
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
    t.ok(container?.resources?.limits?.['memory'], 'a memory limit');
    t.equal('nvidia.com/gpu' in (container?.resources?.limits ?? {}), overlay === 'gpu');
  });
}

t.test('no file is forgotten', async (t) => {
  const used = ['base', 'monitoring', 'overlays/cpu', 'overlays/gpu'].flatMap((part) => {
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
