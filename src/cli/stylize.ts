import { readFile, stat } from 'node:fs/promises';

import { ProblemError, type CallOptions } from '../client/index.ts';
import { brushOptions, readBrush, type Brush } from './brush.ts';
import { isInShard, listPictures, parseShard, type Picture } from './pictures.ts';
import { createReport, type Report } from './report.ts';
import { isOfName, openResults, type Results } from './results.ts';
import { unanswered } from './service.ts';
import { cannotRead, UsageError, type Arguments, type Options } from './usage.ts';
import { readWork, withService, workOptions, type Painter } from './work.ts';

export const stylizeOptions: Options = {
  out: { value: 'FOLDER', about: 'where results go, under the names of their pictures' },
  ...brushOptions,
  ...workOptions,
  shard: {
    value: 'INDEX/COUNT',
    about: 'only the share of one of several workers, from 0/COUNT; they may share --out',
  },
};

/** `stylize FOLDER|FILE…`: all pictures that are not done yet. */
export async function stylize(given: Arguments): Promise<number> {
  const out = given.required('out');
  const work = readWork(given);
  const shard = parseShard(given.one('shard') ?? '0/1');
  const brush = await readBrush(given);
  const all = await listPictures(given.positionals, out, brush);
  const own = all.filter((picture) => isInShard(picture, shard));
  const results = await openResults(out, brush.settings, own);

  const report = createReport(own.length, process.stdout, process.stderr);
  const rest = new Set(results.rest);
  for (const picture of own) {
    if (rest.has(picture)) continue;
    report.tell({ status: 'skipped', input: picture.path, output: results.pathOf(picture) });
  }
  if (rest.size === 0) {
    report.end();
    return 0;
  }
  const paintRest = async ({ client, each }: Painter) => {
    report.begin();
    await each(rest, (picture, options) => {
      return paint(picture, options, { client, brush, results, report });
    });
  };
  return withService(work, report, paintRest, 'The same command goes on from here.');
}

interface Means {
  readonly client: Painter['client'];
  readonly brush: Brush;
  readonly results: Results;
  readonly report: Report;
}

/** Rejects where all others would fare alike; what is wrong with this picture is told. */
async function paint(
  picture: Picture,
  options: CallOptions,
  { client, brush, results, report }: Means,
): Promise<void> {
  const { path: input, format } = picture;
  const startedAt = performance.now();
  const fail = (code: string, detail: string) => {
    report.tell({ status: 'failed', input, code, detail });
  };
  const file = await read(input).catch((error: unknown) => {
    fail('unreadable', cannotRead('The file', error).message);
  });
  if (!file) return;
  const content = new Blob([new Uint8Array(file.bytes)]);
  let phase = '';
  const onProgress: CallOptions['onProgress'] = (progress) => {
    phase = progress.phase;
    options.onProgress?.(progress);
  };
  let painted;
  try {
    const painting = { ...brush.painting, content, format };
    painted = await client.stylize(painting, { ...options, onProgress });
  } catch (error) {
    options.signal?.throwIfAborted();
    if ((error as Error).name === 'TimeoutError' && phase !== 'waiting') {
      await greet(client, options);
      fail('timeout', 'The service had it, and has not painted it by --timeout.');
      return;
    }
    if (!(error instanceof ProblemError)) throw unanswered(error);
    const { problem } = error;
    if (isAlikeForAll(problem)) {
      // Without a code it is from what stands in front of the service, and may pass.
      throw problem.code ? new UsageError(problem.detail, { cause: error }) : error;
    }
    if (passing.has(problem.status)) throw error;
    fail(problem.code ?? String(problem.status), problem.detail);
    return;
  }
  await results.claim();
  try {
    await results.write(picture, Buffer.from(await painted.picture.arrayBuffer()), file.stats);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isOfName(error as NodeJS.ErrnoException)) throw error;
    fail('unwritable', `The result cannot be written (${code}).`);
    return;
  }
  const ms = Math.round(performance.now() - startedAt);
  report.tell({ status: 'painted', input, output: results.pathOf(picture), ms });
}

/** A service that lives is late with a picture, not with this: no other picture would fare better. */
async function greet(client: Painter['client'], options: CallOptions): Promise<void> {
  const deadlineMs = Math.min(options.deadlineMs ?? greetingMs, greetingMs);
  await client.model({ ...options, deadlineMs }).catch((error: unknown) => {
    options.signal?.throwIfAborted();
    throw unanswered(error);
  });
}
const greetingMs = 10_000;

async function read(path: string) {
  const stats = await stat(path);
  return { stats, bytes: await readFile(path) };
}

/** The style is at fault, or whoever stands in front of the service lets nobody in. */
const isAlikeForAll = ({ status, field }: ProblemError['problem']) =>
  refusals.has(status) || styleFields.has(field ?? '');
const refusals = new Set([401, 403, 404, 405]);
const styleFields = new Set(['style', 'styleId', 'mask']);

/** The client has waited for as long as it may. */
const passing = new Set([429, 502, 503]);
