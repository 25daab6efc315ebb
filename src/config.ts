import { fileURLToPath } from 'node:url';
import { z } from 'zod';

import { devicePattern } from './engine/index.ts';
import { nearest } from './nearest.ts';
import { smallestSide } from './rgb-image.ts';
import { storePattern } from './store/index.ts';

const whole = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}, in decimal digits`;
  return z
    .string()
    .regex(/^\d+$/, { error })
    .transform(Number)
    .pipe(z.number({ error }).min(min, { error }).max(max, { error }));
};

const device = z.string().regex(devicePattern, {
  error: 'auto, cpu, cuda, or a list like cuda:0,cuda:1',
});

/** Of any scheme: apps have their own. */
const originPattern = /^(\*|[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+)$/;
const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .refine((list) => list.every((origin) => originPattern.test(origin)), {
    error: '* or a list like https://example.org,http://localhost:5173, without a path',
  });

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const day = 86_400_000;

/** Every variable once: how it is read, its default, and what `--help` says of it. */
const variables = z.object({
  PORT: whole(0, 65_535).default(8080).describe('TCP port to listen on; 0 takes any free one'),
  HOST: z.string().default('0.0.0.0').describe('address to listen on'),
  LOG_LEVEL: z
    .enum(logLevels, { error: `one of ${logLevels.join(', ')}` })
    .default('info')
    .describe('least severe log line to write'),
  ADAIN_DEVICE: device
    .default('auto')
    .describe(
      'auto, cpu, cuda, or a list cuda:0,cuda:1 with one worker each; auto falls back to the CPU and says why',
    ),
  ADAIN_PRECISION: z
    .enum(['auto', 'fp32'], { error: 'auto or fp32' })
    .default('auto')
    .describe('auto takes float16 for the networks on a GPU, fp32 takes float32 everywhere'),
  ADAIN_MODELS_DIR: z
    .string()
    .default(fileURLToPath(new URL('../models', import.meta.url)))
    .describe('folder of encoder.onnx, decoder.onnx, model.json and, for presets, styles/'),
  ADAIN_STYLES_DIR: z
    .string()
    .optional()
    .describe(
      "folder of the operator's own presets: pictures, and catalog.json if they need names",
    ),
  ADAIN_PRESETS: z
    .enum(['shipped', 'none'], { error: 'shipped or none' })
    .default('shipped')
    .describe('the presets in styles/ of ADAIN_MODELS_DIR, or none but those of ADAIN_STYLES_DIR'),
  ADAIN_PAGE: z
    .enum(['on', 'off'], { error: 'on or off' })
    .default('on')
    .describe('whether / is a page for people where HTML is accepted'),
  ADAIN_PROVENANCE: z
    .enum(['on', 'off'], { error: 'on or off' })
    .default('on')
    .describe('whether results say in XMP that a model has painted them, and which'),
  ADAIN_BASE_PATH: z
    .string()
    .regex(/^(\/[\w.~-]+)+$/, { error: 'a path like /paint, without a slash at its end' })
    .optional()
    .describe(
      'path below which a proxy offers the service, for links; requests may come with it or without',
    ),
  ADAIN_CORS_ORIGINS: origins
    .optional()
    .describe('origins whose pages may call the service from a browser, comma separated; * is any'),
  ADAIN_MAX_CONNECTIONS: whole(1, 1_000_000)
    .default(1000)
    .describe('connections that may be open at once, idle ones too; the next one is closed'),
  ADAIN_MAX_UPLOAD_BYTES: whole(1024, 2 ** 31)
    .default(32 * 2 ** 20)
    .describe('largest form that is read, all its files together'),
  ADAIN_MAX_PIXELS: whole(smallestSide ** 2, 2 ** 28)
    .default(50_000_000)
    .describe('largest picture, uploaded or asked for by size, in pixels, all frames together'),
  ADAIN_MAX_FRAMES: whole(1, 1000)
    .default(200)
    .describe('frames of an animation that are painted with frames=all; more are refused'),
  ADAIN_STYLE_SIZE: whole(smallestSide, 4096)
    .default(512)
    .describe('style pictures are scaled down to this longest side before they are described'),
  ADAIN_STYLE_CACHE_ENTRIES: whole(1, 10_000_000)
    .default(10_000)
    .describe('uploaded styles whose statistics are kept, about 3 KB each'),
  ADAIN_STYLE_STORE: z
    .string()
    .regex(storePattern, { error: 'memory:, folder:/path, or redis://host:6379' })
    .default('memory:')
    .describe(
      'where styles last and are shared: memory: (this process), folder:/path, or a Redis or Valkey at redis://user:password@host:6379/0 (rediss:// for TLS)',
    ),
  ADAIN_STYLE_TTL_MS: whole(1000, 365 * day)
    .default(day)
    .describe('how long an uploaded style is kept there after its last use'),
  ADAIN_STYLES_WRITABLE: z
    .enum(['on', 'off'], { error: 'on or off' })
    .default('on')
    .describe('whether styles can be registered, changed and deleted over HTTP'),
  ADAIN_MAX_STYLES: whole(0, 1_000_000)
    .default(1000)
    .describe('registered styles that there may be; the next one is refused'),
  ADAIN_MAX_STYLE_BYTES: whole(1024, 2 ** 26)
    .default(2 ** 21)
    .describe('largest picture that is kept of a registered style, in bytes of PNG'),
  ADAIN_THREADS: whole(1, 1024)
    .optional()
    .describe('cores for inference on the CPU; if absent, those that the container may use'),
  ADAIN_MEMORY_BYTES: whole(2 ** 28, 2 ** 45)
    .optional()
    .describe(
      'memory that the service may use; what inference leaves of it is for pictures, and those that do not fit wait or are refused; if absent, what the container may use, or half of the machine',
    ),
  ADAIN_QUEUE_LIMIT: whole(1, 100_000)
    .default(64)
    .describe('requests that may wait for the engine; the next one is answered 503'),
  ADAIN_MAX_BATCH: whole(1, 64)
    .optional()
    .describe(
      'waiting pictures of one size computed together: side by side on a CPU (at most 2), in one run on a GPU; if absent, 2 on a CPU that has the memory and 1 on a GPU',
    ),
  ADAIN_TILE_PIXELS: whole(1, 2 ** 28)
    .optional()
    .describe(
      'larger pictures are computed in tiles, with the same result in bounded memory; if absent, 1048576, on a CPU with little memory half or a quarter of it',
    ),
  ADAIN_REQUEST_TIMEOUT_MS: whole(1, day)
    .default(60_000)
    .describe(
      'time for a whole request; while others are in work, what cannot be done by then is refused at once',
    ),
  ADAIN_SHUTDOWN_DELAY_MS: whole(0, day)
    .default(0)
    .describe('after SIGTERM, how long to go on serving while /readyz already says no'),
  ADAIN_SHUTDOWN_GRACE_MS: whole(1, day)
    .default(30_000)
    .describe('time for accepted requests to finish before the process ends regardless'),
  ADAIN_PROCESSES: whole(1, 64)
    .default(1)
    .describe(
      'processes that share the port, each with its part of memory, cores, connections and GPUs; more than 1 where one HTTP thread is busy and a GPU is not',
    ),
  UV_THREADPOOL_SIZE: whole(1, 1024)
    .default(4)
    .describe("threads of libuv's pool; all but one decode and encode pictures, one reads files"),
});

const consistent = variables.refine(
  ({ ADAIN_PROCESSES, ADAIN_STYLE_STORE }) =>
    ADAIN_PROCESSES === 1 || ADAIN_STYLE_STORE !== 'memory:',
  {
    path: ['ADAIN_PROCESSES'],
    error:
      '1, or ADAIN_STYLE_STORE set to folder:/path or redis://host:6379: a style that one process is sent must be known to all',
  },
);

export type Config = Readonly<z.output<typeof variables>>;

/**
 * Reads the configuration. An empty variable counts as absent.
 * @throws Error with one line a wrong variable: its name, its value and what was expected.
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = consistent.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `${name} is ${JSON.stringify(withoutPassword(given[name]))}: expected ${issue.message}`;
  });
  throw new Error(lines.join('\n'));
}

/** Of a URL with a user and a password, which are nobody's who reads logs. */
const withoutPassword = (value: string | undefined) => value?.replace(/\/\/[^@]*@/, '//…@');

/** What Kubernetes sets of a Service, whose name may begin as our variables do. */
const serviceLink = /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)/;

/** One sentence for each variable that was meant for the service and that it does not know. */
export function strayVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = new Map(Object.keys(variables.shape).map((name) => [withoutPrefix(name), name]));
  return Object.entries(environment).flatMap(([name, value = '']) => {
    const ours = /^ADAIN/i.test(name) && !(name in variables.shape);
    if (!ours || serviceLink.test(name) || value.startsWith('tcp://')) return [];
    const meant = known.get(nearest(withoutPrefix(name), known.keys()) ?? '');
    const remedy = meant ? `Did you mean ${meant}?` : '--help lists those that there are.';
    return `The service knows no variable ${name}, which changes nothing. ${remedy}`;
  });
}

const withoutPrefix = (name: string) => name.replace(/^ADAIN_?/i, '');

/** The text of `--help`. */
export function configHelp(): string {
  const defaults = variables.parse({});
  const rows = Object.entries(variables.shape).map(([name, schema]) => {
    const value = defaults[name as keyof Config];
    return `  ${name.padEnd(26)} ${schema.description ?? ''} (${String(value ?? 'none')})`;
  });
  return `adain-server: repaints pictures over HTTP.

  --help                     prints this
  --version                  prints the version, and the revision that an image was built from
  --doctor                   tries out what the service would run on, and says what is missing

Commands, each with a --help of its own: adain-server stylize, adain-server sheet, adain-server styles add.

It is configured by environment variables:

${rows.join('\n')}
`;
}
