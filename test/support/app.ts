import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import sharp from 'sharp';
import type { Test } from 'tap';

import { buildApp, type Parts } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';

/** The application on the real model, closed when the test ends. */
export async function build(
  t: Test,
  environment: Record<string, string> = {},
  parts: Partial<Parts> = {},
) {
  const config = readConfig({ LOG_LEVEL: 'silent', ...environment });
  const app = await buildApp(config, parts);
  t.teardown(() => app.close());
  await app.warmUp();
  return app;
}

/** A logger, and the lines that it has written, as objects. */
export function recorder() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, logger: pino({ level: 'info' }, { write }) };
}

type Value = string | Buffer | Uint8Array<ArrayBuffer>;

export type Field = readonly [name: string, value: Value];

/** A multipart form as `inject` takes it: texts, and files where the value is bytes. */
export async function form(...fields: readonly Field[]) {
  const data = new FormData();
  for (const [name, value] of fields) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new Blob([new Uint8Array(value)]), `${name}.bin`);
  }
  const encoded = new Response(data);
  const type = encoded.headers.get('content-type') ?? '';
  return {
    method: 'POST' as const,
    url: '/stylize',
    headers: { 'content-type': type },
    payload: Buffer.from(await encoded.arrayBuffer()),
  };
}

/**
 * A request that has little time, and its answer, in time for which its work gets far enough: a busy
 * machine may need all of a short one before that.
 */
export async function hurried(
  app: FastifyInstance,
  request: Awaited<ReturnType<typeof form>>,
  isFarEnough: (reply: LightMyRequestResponse) => boolean,
) {
  for (let ms = 200; ; ms *= 2) {
    const headers = { ...request.headers, 'request-timeout': String(ms / 1000) };
    const reply = await app.inject({ ...request, headers });
    if (isFarEnough(reply) || ms > 20_000) return { reply, ms };
  }
}

/** A picture with edges, gradients and texture; another seed gives another picture. */
export async function photo(width = 64, height = 48, seed = 1): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const band = Math.sin((x * (seed + (i % 3))) / 9) + Math.cos((y * (seed + 2)) / 7);
    data[i] = 128 + 50 * band + (((x >> 3) + (y >> 3) + seed) % 2) * 20;
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
