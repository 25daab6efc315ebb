import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';

import { contactSheet } from '../../src/imaging/contact-sheet.ts';
import { write } from '../../src/imaging/lettering.ts';
import { photo } from '../support/app.ts';
import { filesIn, folderOf, run, serve, start } from './command.ts';

t.test('sheet: the photograph and every preset of it, with their ids', async (t) => {
  const { url, painted } = await serve(t);
  const folder = await folderOf(t, 'a.png');
  const out = join(folder, 'sheet.png');
  const { code, lines } = await run(
    t,
    'sheet',
    join(folder, 'in/a.png'),
    '--out',
    out,
    '--server',
    url,
  );
  t.equal(code, 0);
  const [line] = lines as unknown as { output: string; styles: string[] }[];
  const page = (await (await fetch(`${url}/styles?kind=preset`)).json()) as {
    styles: { id: string }[];
  };
  t.same(line, {
    input: join(folder, 'in/a.png'),
    output: out,
    styles: page.styles.map(({ id }) => id),
  });
  t.equal(painted.length, page.styles.length + 1);
  const { format, width, height } = await sharp(out).metadata();
  t.match({ format, width }, { format: 'png', width: 4 * (256 + 12) + 12 });
  t.equal(height, 4 * (256 + 34) + 12);

  const broken = await run(
    t,
    'sheet',
    join(folder, 'sheet.png'),
    '--out',
    join(folder, 'x/y.jpg'),
    '--server',
    url,
  );
  t.equal(broken.code, 0, 'folders are made');
  const text = join(folder, 'no.jpg');
  t.match(await run(t, 'sheet', import.meta.filename, '--out', text, '--server', url), {
    code: 1,
    errors: /not a picture|JPEG, PNG/,
  });
  t.notOk(filesIn(folder).includes('no.jpg'));
});

t.test('a contact sheet: cells in rows, names below', async (t) => {
  const picture = await photo(64, 48);
  const cells = ['a', 'b', 'c'].map((name) => ({ name, picture }));
  const made = await contactSheet(cells, 'png');
  const { data, info } = await sharp(made).raw().toBuffer({ resolveWithObject: true });
  t.same([info.width, info.height, info.channels], [2 * 76 + 12, 2 * 82 + 12, 3]);
  const pixel = (x: number, y: number) => [
    ...data.subarray(3 * (y * info.width + x)).subarray(0, 3),
  ];
  t.same(pixel(5, 5), [255, 255, 255], 'paper around them');
  const { data: own } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  t.same(pixel(12, 12), [...own.subarray(0, 3)]);
  t.same(pixel(12 + 76, 12), pixel(12, 12), 'beside it the next');
  t.same(pixel(12 + 76, 12 + 82), [255, 255, 255], 'the last row is not full');
});

t.test('letters: all that ids are made of, inside of their field', async (t) => {
  const size = { width: 200, height: 34 };
  const ink = (data: Buffer) => data.reduce((sum, value) => sum + 255 - value, 0);
  const drawn = new Map<string, number>();
  for (const letter of 'abcdefghijklmnopqrstuvwxyz0123456789-') {
    const data = write(letter, size);
    t.ok(ink(data) > 255 * 5, letter);
    drawn.set(data.toString('base64'), 1);
  }
  t.equal(drawn.size, 37, 'no two alike');
  t.equal(ink(write('', size)), 0);
  const long = write('w'.repeat(80), size);
  const edge = Array.from({ length: 34 }, (_, y) => [long[y * 200], long[y * 200 + 199]]).flat();
  t.ok(ink(long) > 0 && edge.every((value) => value === 255), 'a long name is written small');
});

t.test('styles add: pictures become styles, under ids of their own or ours', async (t) => {
  const { url } = await serve(t);
  const folder = await folderOf(t, 'a.png', 'b.png');
  const [a, b] = [join(folder, 'in/a.png'), join(folder, 'in/b.png')];
  const add = (...args: string[]) => run(t, 'styles', 'add', ...args, '--server', url);
  const two = await add(a, b, '--license', 'CC0-1.0');
  t.match(two, {
    code: 0,
    lines: [
      { input: a, id: /^sha256-/ },
      { input: b, id: /^sha256-/ },
    ],
  });
  t.match(await add(a, '--id', 'mine', '--name', 'Mine'), {
    code: 0,
    lines: [{ id: 'mine', name: 'Mine' }],
  });
  const style = (await (await fetch(`${url}/styles/mine`)).json()) as object;
  t.match(style, { kind: 'registered', name: 'Mine' });
  t.match(await add(a, '--id', 'mosaic'), { code: 1, errors: /a\.png: .*mosaic/ });
  t.match(await add(join(folder, 'none'), b), { code: 1, errors: /ENOENT/, lines: [{ input: b }] });
});

t.test('without --server an engine of its own paints', async (t) => {
  const folder = await folderOf(t, 'a.png', 'b.png');
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), '--style', 'woodcut', '--out', out];
  const { code, lines, errors } = await run(t, ...args);
  t.equal(code, 0, errors);
  t.same(
    lines.map(({ status }) => status),
    ['painted', 'painted'],
  );
  const before = readFileSync(join(folder, 'in/a.png'));
  const after = await sharp(readFileSync(join(out, 'a.png')))
    .raw()
    .toBuffer();
  t.notSame(after, await sharp(before).raw().toBuffer(), 'it is another picture');
  t.equal(errors.trim().split('\n').length, 1, 'a log is for servers');

  const nothing = start(t, args, { ADAIN_MODELS_DIR: '/nowhere' });
  t.same(
    [(await nothing.ended).code, (await nothing.ended).count('skipped')],
    [0, 2],
    'no engine for nothing',
  );
  const broken = start(t, [...args.slice(0, -1), join(folder, 'x')], {
    ADAIN_MODELS_DIR: '/nowhere',
  });
  t.match(await broken.ended, { code: 1, errors: /\/nowhere/ });
});
