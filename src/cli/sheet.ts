import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

import type { Cell } from '../imaging/contact-sheet.ts';
import { mediaTypes, mediaTypeOf, pictureFormats, type PictureFormat } from '../imaging/formats.ts';
import { draft } from '../store/index.ts';
import { createReport, type Report } from './report.ts';
import { cannotRead, cannotWrite, UsageError, type Arguments, type Options } from './usage.ts';
import { readWork, withService, workOptions, type Painter } from './work.ts';

export const sheetOptions: Options = {
  out: { value: 'FILE', about: 'the sheet: .jpg, .png, .webp or .avif' },
  ...workOptions,
};

/** `sheet PHOTO`: the photograph in every preset, on one picture. */
export async function sheet(given: Arguments): Promise<number> {
  const [path, ...others] = given.positionals;
  if (path === undefined || others.length > 0) {
    throw new UsageError(`sheet takes one photograph; ${given.positionals.length} came.`);
  }
  const out = given.required('out');
  const format = formatOf(out);
  const work = readWork(given);
  const photograph = await readFile(path).catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
  const report = createReport(0, process.stdout, process.stderr);
  return withService(work, report, async (painter) => {
    const cells = await paintAll(new Blob([new Uint8Array(photograph)]), painter, report);
    const { contactSheet } = await import('../imaging/contact-sheet.ts'); // no other command draws
    const sheet = await contactSheet(cells, format);
    await draft(out, sheet)
      .then(({ publish }) => publish())
      .catch((error: unknown) => {
        throw cannotWrite(out, error);
      });
    const [, ...styles] = cells.map(({ name }) => name);
    report.print({ input: path, output: out, styles });
  });
}

function formatOf(path: string): PictureFormat {
  const type = mediaTypeOf(extname(path).slice(1));
  const format = pictureFormats.find((format) => mediaTypes[format] === type);
  if (format) return format;
  throw new UsageError(
    `--out is "${path}"; it takes a file's name with .jpg, .png, .webp or .avif.`,
  );
}

/** Longest side of each picture, in pixels. */
const size = 256;

/** The photograph, then every preset of it, under their ids. */
async function paintAll(
  photograph: Blob,
  { client, options, each }: Painter,
  report: Report,
): Promise<Cell[]> {
  const ids: string[] = [];
  for await (const { id } of client.styles({ kind: 'preset' }, options())) ids.push(id);
  const [first] = ids;
  if (first === undefined) throw new Error('The service has no presets.');
  report.begin(ids.length);
  // With nothing of a style it is the photograph, scaled: only once it is sent as large as it is.
  const scaling = {
    content: photograph,
    styles: [first],
    alpha: 0,
    size,
    format: 'png',
  } as const;
  const { picture: small } = await client.stylize(scaling, options());
  const pictures = new Map([['photograph', small]]);
  for (const id of ids) pictures.set(id, small); // in their order
  await each(ids, async (id, options) => {
    const painting = { content: small, styles: [id], format: 'png' } as const;
    pictures.set(id, (await client.stylize(painting, options)).picture);
    report.count('painted');
  });
  return Promise.all(
    [...pictures].map(async ([name, picture]) => {
      return { name, picture: Buffer.from(await picture.arrayBuffer()) };
    }),
  );
}
