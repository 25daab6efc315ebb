import { fromBinary } from '@bufbuild/protobuf';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { opset } from './graph/builder.ts';
import type { Parts } from './graph/graphs.ts';
import type { ModelInfo } from '../types.ts';
import {
  ModelProtoSchema,
  TensorProto_DataType as DataType,
  TensorProto_DataTypeSchema as DataTypeSchema,
} from './graph/onnx/onnx_pb.ts';
import type { ModelProto, ValueInfoProto } from './graph/onnx/onnx_pb.ts';

/** The networks and what the graphs and the tiling must know of them; lengths in pixels. */
export interface Model {
  readonly info: ModelInfo;
  readonly channels: number;
  /** Pixels to one step of the features. */
  readonly stride: number;
  /**
   * How far a feature sees beyond its own stride × stride block, a multiple of the stride. Nearer to
   * an edge than that the encoder makes none.
   */
  readonly encoderMargin: number;
  /** Reflection around the picture: `encoderMargin` and what the decoder paints, to be cut off. */
  readonly margin: number;
  /** How far a painted pixel sees beyond the features' block it lies in, a multiple of the stride. */
  readonly decoderHalo: number;
  /** ε of σ = sqrt(variance + ε). */
  readonly epsilon: number;
  /** Standard deviation of the grain that contents get at alpha 1, levels of 255; 0: none. */
  readonly grain: number;
  /**
   * encoder.onnx: picture float32 [N, 3, H, W] in [0, 1] → features
   * [N, C, (H − 2m) / stride, (W − 2m) / stride], m being `encoderMargin`.
   */
  readonly encoder: Uint8Array;
  /** decoder.onnx: features → picture, not clamped. */
  readonly decoder: Uint8Array;
}

const count = z.int().positive();
const file = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const schema = z
  .object({
    name: z.string(),
    version: z.string(),
    parameters: count,
    gmac512: z.number().positive(),
    channels: count,
    stride: count,
    encoderMargin: count,
    decoderMargin: count,
    decoderHalo: count,
    epsilon: z.number().positive(),
    grain: z.number().min(0).max(32).default(0),
    files: z.object({ 'encoder.onnx': file, 'decoder.onnx': file }),
    license: z.object({ weights: z.string() }),
  })
  .refine(
    ({ stride, ...lengths }) =>
      [lengths.encoderMargin, lengths.decoderMargin, lengths.decoderHalo].every(
        (length) => length % stride === 0,
      ),
    {
      error: 'encoderMargin, decoderMargin and decoderHalo must be multiples of stride',
      path: ['stride'],
    },
  )
  .refine(({ decoderMargin, decoderHalo }) => decoderMargin <= decoderHalo, {
    error: 'decoderMargin is more than decoderHalo: so far no painted pixel sees',
    path: ['decoderMargin'],
  });

/**
 * Reads and checks model.json, encoder.onnx and decoder.onnx.
 * @throws Error naming the file, what is wrong with it and what to do
 */
export async function loadModel(folder: string): Promise<Model> {
  const path = join(folder, 'model.json');
  const description = parseDescription(path, (await readModelFile(path)).toString('utf8'));
  const { channels, stride, encoderMargin, decoderHalo, epsilon, grain, files } = description;

  const readPart = async (name: keyof typeof files) => {
    const bytes = await readModelFile(join(folder, name));
    if (sha256(bytes) !== files[name].sha256) {
      throw new Error(
        `${join(folder, name)} is not the file that model.json describes (its sha256 differs): take both from the same export`,
      );
    }
    return bytes;
  };
  const encoder = await readPart('encoder.onnx');
  const decoder = await readPart('decoder.onnx');
  parsePart(join(folder, 'encoder.onnx'), encoder, 'picture', 'features');
  parsePart(join(folder, 'decoder.onnx'), decoder, 'features', 'picture');

  const info: ModelInfo = {
    name: description.name,
    version: description.version,
    digest: sha256(encoder, decoder),
    parameters: description.parameters,
    gmac512: description.gmac512,
    channels,
    stride,
    license: description.license.weights,
  };
  return {
    info,
    channels,
    stride,
    encoderMargin,
    margin: encoderMargin + description.decoderMargin,
    decoderHalo,
    epsilon,
    grain,
    encoder,
    decoder,
  };
}

/** The networks as nodes, for the graphs. */
export function partsOf(model: Model): Parts {
  return {
    encoder: parsePart('encoder.onnx', model.encoder, 'picture', 'features'),
    decoder: parsePart('decoder.onnx', model.decoder, 'features', 'picture'),
    channels: model.channels,
    epsilon: model.epsilon,
  };
}

/**
 * Decodes one of the two networks and checks what the graphs take for granted.
 * @throws Error naming the file, what is wrong with it and what to do
 */
export function parsePart(
  path: string,
  bytes: Uint8Array,
  input: string,
  output: string,
): ModelProto {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new Error(`${path} is not an ONNX model: export it again`, { cause });
  }
  const found = Number(model.opsetImport.find(({ domain }) => !domain)?.version);
  if (found !== opset) {
    throw new Error(
      `${path} is written in opset ${found}, and the graphs around it in opset ${opset}: export it with opset_version=${opset}`,
    );
  }
  checkTensors(path, 'input', model.graph?.input, input);
  checkTensors(path, 'output', model.graph?.output, output);
  return model;
}

function checkTensors(
  path: string,
  role: 'input' | 'output',
  values: readonly ValueInfoProto[] = [],
  name: string,
): void {
  const found = values.map(describeTensor).join(', ');
  const [only, ...others] = values;
  const type = only?.type?.tensorType;
  if (
    others.length > 0 ||
    only?.name !== name ||
    type?.elemType !== DataType.FLOAT ||
    type.shape?.dim.length !== 4
  ) {
    throw new Error(
      `${path} must have one ${role}, ${name} of float32 with 4 dimensions, and has: ${found || 'none'}`,
    );
  }
}

function describeTensor({ name, type }: ValueInfoProto): string {
  const tensor = type?.tensorType;
  const element = DataTypeSchema.values.find(({ number }) => number === tensor?.elemType);
  return `${name} of ${String(element?.name.toLowerCase())} with ${tensor?.shape?.dim.length ?? 0} dimensions`;
}

function parseDescription(path: string, text: string): z.output<typeof schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON: export the model again`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new Error(`${path} does not describe a model: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

async function readModelFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Error(`${path} cannot be read: set ADAIN_MODELS_DIR to the folder that holds it`, {
      cause,
    });
  }
}

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
