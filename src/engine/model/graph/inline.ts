import type { onnx } from 'onnx-proto';
import type { Graph, Value } from './builder.ts';

/**
 * Copies a model's nodes and weights into `graph`, every name prefixed, its inputs bound to values
 * of the graph. Weights are shared with the model, not copied.
 * @returns the model's outputs by their own names
 * @throws TypeError when an input stays unbound or a node carries a subgraph (If, Loop, Scan)
 */
export function inline(
  graph: Graph,
  model: onnx.IModelProto,
  prefix: string,
  bindings: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const source = model.graph ?? {};
  const renamed = (name: string): Value =>
    name === '' ? '' : (bindings[name] ?? `${prefix}/${name}`);

  const weights = source.initializer ?? [];
  const weightNames = new Set(weights.map(({ name }) => name));
  for (const { name } of source.input ?? []) {
    if (!weightNames.has(name) && !(String(name) in bindings)) {
      throw new TypeError(`${prefix}: input ${String(name)} is not bound`);
    }
  }

  for (const tensor of weights) {
    graph.initializers.push({ ...tensor, name: renamed(tensor.name ?? '') });
  }
  for (const node of source.node ?? []) {
    if (node.attribute?.some(({ g, graphs }) => Boolean(g) || (graphs?.length ?? 0) > 0)) {
      throw new TypeError(`${prefix}: node ${String(node.name)} has a subgraph`);
    }
    graph.nodes.push({
      ...node,
      name: `${prefix}/${node.name ?? ''}`,
      input: (node.input ?? []).map(renamed),
      output: (node.output ?? []).map(renamed),
    });
  }
  const outputs = (source.output ?? []).map(({ name }) => name ?? '');
  return Object.fromEntries(outputs.map((name) => [name, renamed(name)]));
}
