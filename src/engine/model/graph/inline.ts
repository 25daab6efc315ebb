import type { Graph, Value } from './builder.ts';
import type { ModelProto } from './onnx/onnx_pb.ts';

/**
 * Copies a model's nodes and weights into `graph`, every name prefixed, its inputs bound to values
 * of the graph. Weights are shared with the model, not copied.
 * @returns the model's outputs by their own names
 * @throws TypeError when an input stays unbound or a node carries a subgraph (If, Loop, Scan)
 */
export function inline(
  graph: Graph,
  model: ModelProto,
  prefix: string,
  bindings: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const { initializer = [], node: nodes = [], input = [], output = [] } = model.graph ?? {};
  const renamed = (name: string): Value =>
    name === '' ? '' : (bindings[name] ?? `${prefix}/${name}`);

  const weightNames = new Set(initializer.map(({ name }) => name));
  for (const { name } of input) {
    if (!weightNames.has(name) && !(name in bindings)) {
      throw new TypeError(`${prefix}: input ${name} is not bound`);
    }
  }

  for (const tensor of initializer) {
    graph.initializers.push({ ...tensor, name: renamed(tensor.name) });
  }
  for (const node of nodes) {
    if (node.attribute.some(({ g, graphs }) => g || graphs.length > 0)) {
      throw new TypeError(`${prefix}: node ${node.name} has a subgraph`);
    }
    graph.nodes.push({
      ...node,
      name: `${prefix}/${node.name}`,
      input: node.input.map(renamed),
      output: node.output.map(renamed),
    });
  }
  return Object.fromEntries(output.map(({ name }) => [name, renamed(name)]));
}
