/**
 * Adaptive instance normalisation as primitive nodes (Huang & Belongie, ICCV 2017).
 *
 * Equations 8 and 14 of the paper, with x = f(c):
 *   (1 − α)·x + α·(σs·(x − μc)/σc + μs)
 * fold into one affine map per sample and channel,
 *   x·scale + shift,  scale = 1 − α + α·σs/σc,  shift = α·(μs − σs/σc·μc),
 * so that only two operations run over the full features. Of several styles, each with its share sₖ of
 * every place, the same is
 *   x·(1 + Σ sₖ·gainₖ) + Σ sₖ·shiftₖ,  gainₖ = σₖ/σc − 1,  shiftₖ = μₖ − σₖ/σc·μc.
 */
import { addFloats, addIntegers, addNode } from './builder.ts';
import type { Graph, Value } from './builder.ts';

/** Per-channel values of a batch, each float32 [N, C, 1, 1]. */
export interface Statistics {
  readonly mean: Value;
  readonly deviation: Value;
}

/**
 * Mean and population variance over height and width, in two passes: the variance is the mean of
 * squared distances, which keeps its digits where E[x²] − E[x]² would lose them.
 * @param features float32 [N, C, H, W]
 * @returns two values, float32 [N, C, 1, 1]
 */
export function addMoments(
  graph: Graph,
  name: string,
  features: Value,
): { mean: Value; variance: Value } {
  const mean = addNode(graph, 'ReduceMean', `${name}/mean`, [features], { axes: [2, 3] });
  const centred = addNode(graph, 'Sub', `${name}/centred`, [features, mean]);
  const squared = addNode(graph, 'Mul', `${name}/squared`, [centred, centred]);
  const variance = addNode(graph, 'ReduceMean', `${name}/variance`, [squared], { axes: [2, 3] });
  return { mean, variance };
}

/** μ and σ = sqrt(variance + ε) over height and width; ε keeps a flat channel divisible. */
export function addStatistics(
  graph: Graph,
  name: string,
  features: Value,
  epsilon: number,
): Statistics {
  const { mean, variance } = addMoments(graph, name, features);
  const floor = addFloats(graph, `${name}/epsilon`, epsilon);
  const raised = addNode(graph, 'Add', `${name}/variance-epsilon`, [variance, floor]);
  return { mean, deviation: addNode(graph, 'Sqrt', `${name}/deviation`, [raised]) };
}

/**
 * Packs two per-channel values into what leaves the engine.
 * @param first float32 [N, C, 1, 1]
 * @returns float32 [N, 2, C]
 */
export function addPacked(graph: Graph, name: string, first: Value, second: Value): Value {
  const axes = addIntegers(graph, `${name}/axes`, [3]);
  const rows = [first, second].map((value, index) =>
    // [N, C, 1, 1] → [N, C, 1] → [N, 1, C]
    addNode(
      graph,
      'Transpose',
      `${name}/row${index}`,
      [addNode(graph, 'Squeeze', `${name}/column${index}`, [value, axes])],
      { perm: [0, 2, 1] },
    ),
  );
  return addNode(graph, 'Concat', name, rows, { axis: 1 });
}

/**
 * The reverse of `addPacked`.
 * @param packed float32 [N, 2, C]
 */
export function addUnpacked(graph: Graph, name: string, packed: Value): Statistics {
  const axes = addIntegers(graph, `${name}/axes`, [3]);
  const [mean, deviation] = [0, 1].map((row) => {
    const index = addIntegers(graph, `${name}/index${row}`, [row]);
    // [N, 2, C] → [N, 1, C] → [N, C, 1] → [N, C, 1, 1]
    const picked = addNode(graph, 'Gather', `${name}/row${row}`, [packed, index], { axis: 1 });
    const column = addNode(graph, 'Transpose', `${name}/column${row}`, [picked], {
      perm: [0, 2, 1],
    });
    return addNode(graph, 'Unsqueeze', `${name}/plane${row}`, [column, axes]);
  }) as [Value, Value];
  return { mean, deviation };
}

/**
 * Moves `features` from their own statistics towards the style's.
 * @param features float32 [N, C, H, W]
 * @param alpha float32 [N], 0 (features as they are) to 1 (all of the style)
 * @returns float32 [N, C, H, W]
 */
export function addAdain(
  graph: Graph,
  name: string,
  features: Value,
  content: Statistics,
  style: Statistics,
  alpha: Value,
): Value {
  const node = (op: string, part: string, ...inputs: Value[]) =>
    addNode(graph, op, `${name}/${part}`, inputs);
  const axes = addIntegers(graph, `${name}/alpha-axes`, [1, 2, 3]);
  const one = addFloats(graph, `${name}/one`, 1);

  const strength = node('Unsqueeze', 'alpha', alpha, axes);
  const rest = node('Sub', 'one-minus-alpha', one, strength);
  const ratio = node('Div', 'deviation-ratio', style.deviation, content.deviation);
  const scale = node('Add', 'scale', rest, node('Mul', 'alpha-ratio', strength, ratio));
  const moved = node(
    'Sub',
    'mean-gap',
    style.mean,
    node('Mul', 'mean-scaled', ratio, content.mean),
  );
  const shift = node('Mul', 'shift', strength, moved);
  return node('Add', 'shifted', node('Mul', 'scaled', features, scale), shift);
}

/**
 * Moves `features` towards several styles, x + Σ sₖ·(AdaIN(x, styleₖ) − x), with the shares sₖ of
 * every place. The sums over styles are convolutions of 1 × 1: products of matrices that come out
 * in the features' own layout.
 * @param features float32 [1, C, h, w]
 * @param content of one picture
 * @param styles of K styles, each float32 [K, C, 1, 1]
 * @param shares float32 [1, K, h, w]; where all are 0 no bit of the features changes
 * @returns float32 [1, C, h, w]
 */
export function addAdainByPlace(
  graph: Graph,
  name: string,
  features: Value,
  content: Statistics,
  styles: Statistics,
  shares: Value,
): Value {
  const node = (op: string, part: string, ...inputs: Value[]) =>
    addNode(graph, op, `${name}/${part}`, inputs);
  const one = addFloats(graph, `${name}/one`, 1);
  const spread = (part: string, values: Value) => {
    // [K, C, 1, 1] → [C, K, 1, 1], as a convolution has its weights.
    const turned = addNode(graph, 'Transpose', `${name}/${part}-turned`, [values], {
      perm: [1, 0, 2, 3],
    });
    return node('Conv', `${part}-by-place`, shares, turned);
  };

  const ratio = node('Div', 'deviation-ratio', styles.deviation, content.deviation);
  const gain = spread('gain', node('Sub', 'gain', ratio, one));
  const meant = node('Mul', 'mean-scaled', ratio, content.mean);
  const shift = spread('shift', node('Sub', 'shift', styles.mean, meant));
  const moved = node('Add', 'moved', node('Mul', 'gained', features, gain), shift);
  return node('Add', 'shifted', features, moved);
}
