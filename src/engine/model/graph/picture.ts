/** Between uint8 pixels as they arrive, [N, H, W, 3], and float32 planes in [0, 1], [N, 3, H, W]. */
import { addFloats, addInput, addIntegers, addNode } from './builder.ts';
import type { Graph, Value } from './builder.ts';

/** Pixels → planes: value / 255. */
export function addPlanes(graph: Graph, name: string, pixels: Value): Value {
  const float = 1; // TensorProto.DataType.FLOAT
  const full = addFloats(graph, `${name}/255`, 255);
  const planar = addNode(graph, 'Transpose', `${name}/planar`, [pixels], { perm: [0, 3, 1, 2] });
  const floats = addNode(graph, 'Cast', `${name}/float`, [planar], { to: float });
  return addNode(graph, 'Div', `${name}/unit`, [floats, full]);
}

/** Planes, not clamped → pixels: value · 255, rounded half to even, clamped to 0..255. */
export function addPixels(graph: Graph, name: string, planes: Value): Value {
  const uint8 = 2; // TensorProto.DataType.UINT8
  const zero = addFloats(graph, `${name}/0`, 0);
  const full = addFloats(graph, `${name}/255`, 255);
  const scaled = addNode(graph, 'Mul', `${name}/scaled`, [planes, full]);
  const rounded = addNode(graph, 'Round', `${name}/rounded`, [scaled]);
  const clamped = addNode(graph, 'Clip', `${name}/clamped`, [rounded, zero, full]);
  const bytes = addNode(graph, 'Cast', `${name}/bytes`, [clamped], { to: uint8 });
  return addNode(graph, 'Transpose', name, [bytes], { perm: [0, 2, 3, 1] });
}

/** Rows y0..y1 and columns x0..x1, exclusive, given with every run as int64 [2]: y0, x0 and y1, x1. */
export interface Window {
  readonly starts: Value;
  readonly ends: Value;
}

export function addWindow(graph: Graph, name: string): Window {
  const [starts, ends] = ['starts', 'ends'].map((end) =>
    addInput(graph, `${name}-${end}`, 'int64', [2]),
  ) as [Value, Value];
  return { starts, ends };
}

/** Cuts a window out of planes. */
export function addCrop(
  graph: Graph,
  name: string,
  planes: Value,
  { starts, ends }: Window,
): Value {
  const axes = addIntegers(graph, `${name}/axes`, [2, 3]);
  return addNode(graph, 'Slice', name, [planes, starts, ends, axes]);
}
