import { readFile } from 'node:fs/promises';

import { ProblemError } from '../client/index.ts';
import { ServiceError } from '../errors.ts';
import { escaped } from '../printable.ts';
import { parseTexts, styleTexts } from '../routes/style-form.ts';
import { checkedId } from '../routes/style-requests.ts';
import { helloMs, openService, readServer, unanswered } from './service.ts';
import { cannotRead, UsageError, type Arguments, type Options } from './usage.ts';

const texts = Object.keys(styleTexts.shape) as (keyof typeof styleTexts.shape)[];

export const addStylesOptions: Options = {
  server: { value: 'URL', about: 'of the service whose styles they are to be' },
  id: { value: 'ID', about: "an id of your own; that of the picture's pixels if absent" },
  ...Object.fromEntries(
    texts.map((name) => {
      const about = styleTexts.shape[name].unwrap().description ?? '';
      return [name, { value: 'TEXT', about }];
    }),
  ),
};

/** `styles add FILE…`: registers pictures, and says under which ids. */
export async function addStyles(given: Arguments): Promise<number> {
  const { positionals } = given;
  if (positionals.length === 0) throw new UsageError('styles add takes pictures; none came.');
  const server = readServer(given);
  if (server === undefined) {
    throw new UsageError('--server is missing; styles are added to a service that runs.');
  }
  for (const name of ['id', 'name']) {
    if (given.one(name) === undefined || positionals.length === 1) continue;
    throw new UsageError(`--${name} is one style's; ${positionals.length} pictures came.`);
  }
  const about = asOptions(() => ({
    ...(given.one('id') !== undefined && { id: checkedId(given.one('id') ?? '') }),
    ...parseTexts(Object.fromEntries(texts.map((name) => [name, given.one(name)]))),
  }));
  const say = (what: string, text: string) => {
    process.stderr.write(`${escaped(what)}: ${escaped(text)}\n`);
  };
  const { client } = await openService(server, helloMs, (what) => {
    say(server, what);
  });
  let failed = 0;
  for (const path of positionals) {
    try {
      const bytes = await readFile(path).catch((cause: unknown) => {
        throw cannotRead('The file', cause);
      });
      const image = new Blob([new Uint8Array(bytes)]);
      const { id, name } = await client.registerStyle({ ...about, image });
      process.stdout.write(`${JSON.stringify({ input: path, id, name })}\n`);
    } catch (error) {
      if (!(error instanceof ProblemError || error instanceof UsageError)) throw unanswered(error);
      failed++;
      say(path, error.message);
    }
  }
  return failed > 0 ? 1 : 0;
}

/** The service's own check, which here speaks of options. */
function asOptions<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const option = `--${error.field}`;
    const text = error.message.replace(/^The (field \w+|id)/, option);
    throw new UsageError(text.startsWith(option) ? text : `${option}: ${text}`, { cause: error });
  }
}
