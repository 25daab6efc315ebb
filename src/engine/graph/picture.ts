/** Between uint8 pixels as they arrive, [N, H, W, 3], and float32 planes in [0, 1], [N, 3, H, W]. */
import { addFloats, addIntegers, addNode } from './builder.ts';
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

/**
 * Reflects `margin` pixels over every edge, and right and below up to the next multiple of
 * `stride`: the canvas that the networks see. The edge itself is not repeated.
 * @param planes float32 [N, 3, H, W] with H, W > margin + stride − 1
 */
export function addCanvas(
  graph: Graph,
  name: string,
  planes: Value,
  margin: number,
  stride: number,
): Value {
  const near = addIntegers(graph, `${name}/near`, [0, 0, margin, margin]);
  const none = addIntegers(graph, `${name}/none`, [0, 0]);
  const margins = addIntegers(graph, `${name}/margins`, [margin, margin]);
  const both = addIntegers(graph, `${name}/both`, [-2 * margin, -2 * margin]);
  const strides = addIntegers(graph, `${name}/strides`, [stride, stride]);

  const size = addNode(graph, 'Shape', `${name}/size`, [planes], { start: 2, end: 4 });
  // Mod takes the divisor's sign, so −(size + 2·margin) mod stride is what is missing to a multiple.
  const gap = addNode(graph, 'Sub', `${name}/gap`, [both, size]);
  const missing = addNode(graph, 'Mod', `${name}/missing`, [gap, strides]);
  const far = addNode(graph, 'Add', `${name}/far`, [margins, missing]);
  const pads = addNode(graph, 'Concat', `${name}/pads`, [near, none, far], { axis: 0 });
  return addNode(graph, 'Pad', name, [planes, pads], { mode: 'reflect' });
}

/**
 * Cuts rows y0..y1 and columns x0..x1 out of planes.
 * @param starts int64 [2]: y0, x0
 * @param ends int64 [2]: y1, x1, exclusive
 */
export function addCrop(
  graph: Graph,
  name: string,
  planes: Value,
  starts: Value,
  ends: Value,
): Value {
  const axes = addIntegers(graph, `${name}/axes`, [2, 3]);
  return addNode(graph, 'Slice', name, [planes, starts, ends, axes]);
}
