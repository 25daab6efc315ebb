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
 * `stride`: the canvas that the networks see. The edge itself is not repeated. Gathers by index
 * instead of Pad, whose reflection must be shorter than the picture.
 * @param pixels uint8 [N, H, W, 3] with H, W > 1
 */
export function addCanvas(
  graph: Graph,
  name: string,
  pixels: Value,
  margin: number,
  stride: number,
): Value {
  const y = addReflection(graph, `${name}/y`, pixels, 1, margin, stride);
  const x = addReflection(graph, `${name}/x`, pixels, 2, margin, stride);
  const rows = addNode(graph, 'Gather', `${name}/rows`, [pixels, y], { axis: 1 });
  return addNode(graph, 'Gather', name, [rows, x], { axis: 2 });
}

/** Where each row or column of the canvas comes from, mirrored at the ends as often as it takes. */
function addReflection(
  graph: Graph,
  name: string,
  pixels: Value,
  axis: number,
  margin: number,
  stride: number,
): Value {
  const one = addIntegers(graph, `${name}/1`, 1);
  const before = addIntegers(graph, `${name}/before`, -margin);
  const both = addIntegers(graph, `${name}/both`, -2 * margin);
  const step = addIntegers(graph, `${name}/stride`, stride);

  const shape = addNode(graph, 'Shape', `${name}/shape`, [pixels], { start: axis, end: axis + 1 });
  const length = addNode(graph, 'Squeeze', `${name}/length`, [shape]);
  // Mod takes the divisor's sign, so −(length + 2·margin) mod stride is what is missing to a multiple.
  const gap = addNode(graph, 'Sub', `${name}/gap`, [both, length]);
  const missing = addNode(graph, 'Mod', `${name}/missing`, [gap, step]);
  const inner = addNode(graph, 'Sub', `${name}/inner`, [length, before]);
  const end = addNode(graph, 'Add', `${name}/end`, [inner, missing]);
  const positions = addNode(graph, 'Range', `${name}/positions`, [before, end, one]);

  // A mirrored line repeats after 2·(length − 1): there and back.
  const last = addNode(graph, 'Sub', `${name}/last`, [length, one]);
  const period = addNode(graph, 'Add', `${name}/period`, [last, last]);
  const folded = addNode(graph, 'Mod', `${name}/folded`, [positions, period]);
  const beyond = addNode(graph, 'Sub', `${name}/beyond`, [folded, last]);
  const away = addNode(graph, 'Abs', `${name}/away`, [beyond]);
  return addNode(graph, 'Sub', name, [last, away]);
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
