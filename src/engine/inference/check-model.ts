/** Whether model.json says of the networks what is so: wrong lengths would paint, only badly. */
import type { Placement } from '../devices/placement.ts';
import type { Model } from '../model/model.ts';
import { createSession } from './onnxruntime.ts';
import type { Session, Tensor } from './onnxruntime.ts';

const remedy = 'take model.json and both networks from the same export';

/**
 * Runs both networks on small inputs, on the CPU.
 * @throws Error that names the number that is wrong, and the right one
 */
export async function checkModel(model: Model, { threads }: Placement): Promise<void> {
  const cpu: Placement = { provider: 'cpu', ordinal: 0, threads, precision: 'float32' };
  const encoder = await createSession(model.encoder, cpu);
  await checkEncoder(model, encoder).finally(() => encoder.release());
  const decoder = await createSession(model.decoder, cpu);
  await checkDecoder(model, decoder).finally(() => decoder.release());
}

async function checkEncoder(model: Model, encoder: Session): Promise<void> {
  const features = async (side: number) => {
    const picture = waves([1, 3, side, side]);
    const { dims } = await run(encoder, 'encoder.onnx', { picture });
    return dims as [n: number, channels: number, height: number, width: number];
  };
  // Large enough for features to come even if the margin is far larger than it is said to be.
  const side = 2 * model.encoderMargin + 16 * model.stride;
  const further = 4 * model.stride;
  const [, channels, count] = await features(side);
  const [, , more] = await features(side + further);
  const stride = further / (more - count);
  compare('channels', model.channels, channels);
  compare('stride', model.stride, stride);
  compare('encoderMargin', model.encoderMargin, (side - stride * count) / 2);
}

/** Looks how far a painted pixel sees: two inputs differ in one feature, in the middle. */
async function checkDecoder(model: Model, decoder: Session): Promise<void> {
  const { channels, stride, decoderHalo } = model;
  const middle = decoderHalo / stride + 1; // a feature more on each side than it may reach
  const count = 2 * middle + 1;
  const paint = async (features: Tensor) => {
    const { data, dims } = await run(decoder, 'decoder.onnx', { features });
    const side = dims[2] ?? 0;
    compare('stride', stride, side / count);
    return { data, side };
  };
  const features = waves([1, channels, count, count]);
  const before = await paint(features);
  for (let channel = 0; channel < channels; channel++) {
    features.data[(channel * count + middle) * count + middle] = 10 * Math.cos(channel);
  }
  const { data, side } = await paint(features);

  const first = middle * stride;
  let reach = 0;
  for (const [i, value] of data.entries()) {
    if (value === before.data[i]) continue;
    for (const at of [i % side, Math.floor(i / side) % side]) {
      reach = Math.max(reach, first - at, at - (first + stride) + 1);
    }
  }
  // Less is only slower; what hardly counts may be lost in rounding.
  if (reach > decoderHalo) compare('decoderHalo', decoderHalo, Math.ceil(reach / stride) * stride);
}

function compare(name: string, said: number, found: number): void {
  if (said === found) return;
  throw new Error(`model.json says ${name} ${said}, but the networks have ${found}: ${remedy}`);
}

async function run(
  session: Session,
  file: string,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Tensor> {
  try {
    return await session.run(inputs);
  } catch (cause) {
    const shapes = Object.entries(inputs).map(([name, { dims }]) => `${name} [${dims.join(', ')}]`);
    throw new Error(
      `${file} takes no ${shapes.join()}, as model.json lets expect (${(cause as Error).message}): ${remedy}`,
      { cause },
    );
  }
}

/** Numbers without a pattern that a network could be blind to, the same every time. */
function waves(dims: number[]): Extract<Tensor, { type: 'float32' }> {
  const length = dims.reduce((product, dim) => product * dim);
  const data = Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898));
  return { type: 'float32', data, dims };
}
