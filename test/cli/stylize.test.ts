import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  cpSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';

import { ServiceError } from '../../src/errors.ts';
import { photo } from '../support/app.ts';
import { timed } from '../support/fake-engine.ts';
import { filesIn, folderOf, run, serve, start } from './command.ts';

const style = ['--style', 'mosaic'];

t.test('kill -9 in the middle, started again: none lost, none twice', async (t) => {
  const { url, painted } = await serve(t, {
    paint: ({ image }) => setTimeout(20, timed(image)),
  });
  const names = Array.from({ length: 40 }, (_, index) => `${index}.png`);
  const folder = await folderOf(t, ...names);
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', out, '--server', url];

  const first = start(t, args);
  await first.told(10);
  first.child.kill('SIGKILL');
  t.equal((await first.ended).code, 'SIGKILL');
  const before = filesIn(out).filter((name) => !name.startsWith('.'));
  t.ok(before.length >= 10 && before.length < 40, `${before.length} were done`);
  const inodes = () => before.map((name) => statSync(join(out, name)).ino);
  const then = inodes();
  writeFileSync(join(out, '.0.png.00000000-0000-0000-0000-000000000000'), 'half a file');

  const second = await run(t, ...args);
  t.equal(second.code, 0);
  t.equal(second.count('skipped'), before.length);
  t.equal(second.count('painted'), 40 - before.length);
  t.same(inodes(), then, 'what was done is the same file');
  t.same(filesIn(out), names.sort(), 'all are there, and no half file');
  for (const name of names) {
    const { info } = await sharp(join(out, name)).toBuffer({ resolveWithObject: true });
    t.same([info.width, info.height], [64, 64], name);
  }

  const requests = painted.length;
  const third = await run(t, ...args);
  t.same([third.code, third.count('skipped'), painted.length], [0, 40, requests]);
  t.match(third.errors, '40 were done before');
});

t.test('SIGTERM and SIGINT: it ends with their codes, without half files', async (t) => {
  const { url } = await serve(t, { paint: ({ image }) => setTimeout(50, timed(image)) });
  const names = Array.from({ length: 20 }, (_, index) => `${index}.png`);
  const folder = await folderOf(t, ...names);
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', out, '--server', url];
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const command = start(t, args);
    const skipped = filesIn(t.testdirName).filter((name) => /^out.\d/.test(name)).length;
    await command.told(skipped + 2);
    command.child.kill(signal);
    const ended = await command.ended;
    t.equal(ended.code, code);
    t.match(ended.errors, `Stopped by ${signal}. The same command goes on from here.`);
    t.equal(ended.count('painted') + skipped, filesIn(out).length);
    t.ok(filesIn(out).every((name) => !name.startsWith('.')));
  }
  t.equal((await run(t, ...args)).code, 0);
  t.same(filesIn(out), names.sort());
});

t.test('pictures that cannot be painted are listed, and the others are done', async (t) => {
  const { url } = await serve(t);
  const folder = await folderOf(t, 'a.png', 'c.png');
  writeFileSync(join(folder, 'in/b.jpg'), 'no picture');
  symlinkSync('nowhere', join(folder, 'in/d.png'));
  symlinkSync('.', join(folder, 'in/e.png'));
  const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
  const { code, lines, errors } = await run(t, ...args, '--server', url);
  t.equal(code, 1);
  const broken = lines.find(({ input }) => input.endsWith('b.jpg'));
  t.match(broken, { input: join(folder, 'in/b.jpg'), code: 'unsupported_media_type' });
  t.match(errors, /b\.jpg: /);
  t.match(errors, /d\.png: The file cannot be read \(ENOENT\)/);
  t.match(errors, /\n2 painted in .*, 2 failed\.\n$/);
  t.same(filesIn(join(folder, 'out')), ['a.png', 'c.png']);
  t.same(lines.map(({ done }) => done).sort(), [1, 2, 3, 4]);
  t.ok(lines.every(({ total }) => total === 4));
  rmSync(join(folder, 'in/d.png'));

  cpSync(join(folder, 'in/a.png'), join(folder, 'in/b.jpg'));
  const again = await run(t, ...args, '--server', url);
  t.same([again.code, again.count('skipped'), again.count('painted')], [0, 2, 1]);
});

t.test('a result that cannot be written is listed, and the others are done', async (t) => {
  const { url } = await serve(t);
  const long = `${'l'.repeat(251)}.png`;
  const tooLong = `${'m'.repeat(251)}.gif`; // .png comes behind it
  const folder = await folderOf(t, 'a.png', 'b.png', 'c/d.png', long, tooLong);
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', out, '--server', url];
  mkdirSync(out);
  writeFileSync(join(out, 'c'), 'a file');
  const { code, lines, errors } = await run(t, ...args);
  t.equal(code, 1);
  const unwritable = lines.filter((line) => line.code === 'unwritable');
  t.same(unwritable.map(({ input }) => input.at(-5)).sort(), ['d', 'm']);
  t.match(errors, /d\.png: The result cannot be written \((EEXIST|ENOTDIR)\)/);
  t.match(errors, /m\.gif: The result cannot be written \(ENAMETOOLONG\)/);
  t.same(filesIn(out), ['a.png', 'b.png', 'c', long], 'and no draft');

  rmSync(join(out, 'b.png'));
  mkdirSync(join(out, 'b.png'));
  const again = await run(t, ...args);
  t.match(again, { code: 1, errors: /b\.png: The result cannot be written \(EISDIR\)/ });
  t.equal(again.count('skipped'), 2);
  t.same(filesIn(out), ['a.png', 'c', long], 'and no draft');
});

t.test('it waits for as long as Retry-After says', async (t) => {
  const asked: number[] = [];
  const { url } = await serve(t, {
    admit: () => {
      asked.push(performance.now());
      if (asked.length > 2) return;
      throw new ServiceError('overloaded', 'Come back.', { retryAfterSeconds: 1 });
    },
  });
  const folder = await folderOf(t, '1.png', '2.png', '3.png', '4.png');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
  const { code, lines } = await run(t, ...args, '--server', url, '--jobs', '1');
  t.same([code, lines.length], [0, 4], 'none failed');
  const [first = 0, second = 0, third = 0] = asked;
  t.ok(second - first >= 990 && third - second >= 990, 'nothing was asked for earlier');
});

t.test('a service that stays away or lets nobody in ends it at once', async (t) => {
  const folder = await folderOf(t, '1.png', '2.png');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
  let status = 503;
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/model' ? 200 : status;
    request.resume().on('end', () => response.end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const busy = await run(t, ...args, '--server', url, '--timeout', '1');
  t.equal(busy.code, 1);
  t.match(busy.errors, /goes on from here.*\n.*answered 503/);
  status = 401;
  t.match(await run(t, ...args, '--server', url), { code: 1, errors: /answered 401/, lines: [] });

  const wrong = await run(t, ...args, '--server', `${(await serve(t)).url}/paint`);
  t.match(wrong, { code: 2, errors: /is no adain-server/ });
  const nobody = await run(t, ...args, '--server', 'http://127.0.0.1:1', '--timeout', '1');
  t.match(nobody, { code: 1, errors: /ECONNREFUSED|bad port/ });
});

t.test('a folder of results is painted with one set of options', async (t) => {
  const { url } = await serve(t);
  const folder = await folderOf(t, 'a.png');
  const out = join(folder, 'out');
  const paint = (...more: string[]) =>
    run(t, 'stylize', join(folder, 'in'), '--out', out, '--server', url, ...more);

  const misspelt = await paint('--style', 'mosiac');
  t.match(misspelt, { code: 2, errors: /mosiac/ }, 'it binds nobody to what never was');
  t.equal((await paint('--style', 'mosaic', '--alpha', '0.5')).code, 0);
  const other = await paint('--style', 'great-wave');
  t.match(other, {
    code: 2,
    errors:
      /style was \["mosaic"\] and is \["great-wave"\]; alpha was \[0\.5\] and is \[1\]\. Choose another folder/,
  });
  t.equal((await paint('--style=mosaic', '--alpha', '.50')).count('skipped'), 1, 'said otherwise');
  const picture = join(folder, 'style.png');
  writeFileSync(picture, await photo(64, 64, 9));
  t.match(await paint('--style', picture), { code: 2, errors: /is \["sha256:/ });

  writeFileSync(join(folder, 'in/a.png'), await photo(64, 64, 3));
  t.equal((await paint('--style', 'mosaic', '--alpha', '0.5')).count('painted'), 1, 'a new a.png');
  const later = Date.now() / 1000 + 5000;
  utimesSync(join(folder, 'in/a.png'), later, later);
  t.equal((await paint('--style', 'mosaic', '--alpha', '0.5')).count('painted'), 1);
  t.equal((await paint('--style', 'mosaic', '--alpha', '0.5')).count('skipped'), 1, 'of tomorrow');

  rmSync(join(out, '.adain-server.json'));
  const foreign = await paint('--style', 'mosaic', '--alpha', '0.5');
  t.match(foreign, { code: 2, errors: /a\.png is there already/ });
  writeFileSync(join(out, '.adain-server.json'), '{');
  t.match(await paint('--style', 'mosaic'), { code: 2, errors: /damaged/ });
});

t.test('every picture has a result of its own', async (t) => {
  const { url } = await serve(t);
  const names = [
    'a.png',
    'a.jpg',
    'B.JPEG',
    'sub/a.png',
    'sub/deep/c.webp',
    '.hidden.png',
    'a.txt',
  ];
  const folder = await folderOf(t, ...names);
  const source = join(folder, 'in');
  const out = join(source, 'out');
  const args = ['stylize', source, '--style', 'mosaic', '--server', url];
  const { code, lines } = await run(t, ...args, '--out', out);
  t.equal(code, 0);
  const made = ['B.JPEG', 'a.jpg', 'a.png', 'sub/a.png', 'sub/deep/c.webp'];
  t.same(filesIn(out), made);
  t.same(
    lines.map(({ output }) => output).sort(),
    made.map((name) => join(out, name)),
  );
  t.equal((await sharp(join(out, 'a.jpg')).metadata()).format, 'jpeg', 'as its name says');
  const again = await run(t, ...args, '--out', out);
  t.same(
    again.lines.map(({ status }) => status),
    made.map(() => 'skipped'),
    'no result is painted',
  );

  const webp = join(source, 'webp');
  t.equal((await run(t, ...args, '--out', webp, '--format', 'webp')).code, 0);
  const behind = made.map((name) => (name.endsWith('.webp') ? name : `${name}.webp`));
  t.same(filesIn(webp), behind, 'neither is that of another style');

  const clash = [join(source, 'a.png'), join(source, 'sub/a.png'), '--style', 'mosaic'];
  const refused = await run(t, 'stylize', ...clash, '--out', join(folder, 'both'), '--server', url);
  t.match(refused, { code: 2, errors: /would both become .*both.a\.png\. Name the folder/ });
  const over = await run(t, ...args, '--out', source);
  t.match(over, { code: 2, errors: /among the pictures of .*in\. Choose another/ });
  symlinkSync('in', join(folder, 'link'));
  const linked = await run(t, ...args, '--out', join(folder, 'link'), '--format', 'webp');
  t.match(linked, { code: 2, errors: /among the pictures/ });
  const one = ['stylize', join(source, 'a.png'), '--style', 'mosaic', '--server', url];
  const itself = await run(t, ...one, '--out', source);
  t.match(itself, { code: 2, errors: /would overwrite .*in/ });

  cpSync(join(source, 'a.png'), join(source, 'sub/A.png'));
  const cased = await run(t, ...args, '--out', out);
  t.match(cased, { code: 2, errors: /sub.A\.png and .*sub.a\.png would be one file/ });
});

t.test('a GIF becomes a PNG, or stays what it is with all its frames', async (t) => {
  const { url } = await serve(t);
  const folder = t.testdir({ in: {} });
  const gif = await sharp(await photo())
    .gif()
    .toBuffer();
  writeFileSync(join(folder, 'in/a.gif'), gif);
  writeFileSync(join(folder, 'b.bin'), gif);
  const paint = (out: string, ...more: string[]) =>
    run(
      t,
      'stylize',
      join(folder, 'in'),
      ...style,
      '--server',
      url,
      '--out',
      join(folder, out),
      ...more,
    );
  t.equal((await paint('first', join(folder, 'b.bin'))).code, 0);
  t.same(
    filesIn(join(folder, 'first')),
    ['a.gif.png', 'b.bin.jpg'],
    'named, it may be called anything',
  );
  const still = await paint('all', '--frames', 'all');
  t.match(still, { code: 1, errors: /a\.gif: .*still picture/ });
});

t.test('workers share the work by --shard', async (t) => {
  const { url } = await serve(t);
  const names = Array.from({ length: 12 }, (_, index) => `${index}.png`);
  const folder = await folderOf(t, ...names);
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', out, '--server', url];
  const shards = await Promise.all(
    ['0/3', '1/3', '2/3'].map((shard) => run(t, ...args, '--shard', shard)),
  );
  t.ok(shards.every(({ code }) => code === 0));
  t.ok(shards.every(({ lines }) => lines.length > 0 && lines.length < 12));
  const inputs = shards.flatMap(({ lines }) => lines.map(({ input }) => input));
  t.same(
    inputs.sort(),
    names.map((name) => join(folder, 'in', name)).sort(),
    'each has one worker',
  );
  t.same(filesIn(out), names.sort());

  mkdirSync(join(folder, 'more'));
  cpSync(join(folder, 'in'), join(folder, 'more'), { recursive: true });
  cpSync(join(folder, 'in/1.png'), join(folder, 'more/000.png'));
  const [, ...more] = args;
  const grown = await run(t, 'stylize', join(folder, 'more'), ...more.slice(1), '--shard', '1/3');
  t.equal(grown.count('skipped') + grown.count('painted'), grown.lines.length);
  const mine = (lines: readonly { input: string }[]) =>
    lines.map(({ input }) => input.split('/').at(-1));
  const before = mine(shards[1]?.lines ?? []);
  t.ok(
    before.every((name) => mine(grown.lines).includes(name)),
    'a new picture moves no other',
  );
});
