/** How pictures and masks come, where the page is, and what it looks like there. */
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { freePort } from '../docker/files.ts';
import { build, photo } from '../support/app.ts';
import { skip } from '../support/chromium.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import {
  choose,
  drop,
  fewPresets,
  hold,
  painted,
  pick,
  serve,
  sheetDone,
  sheetDoneAnew,
  until,
  type Sent,
} from './visit.ts';

const few = fewPresets(t);
const parts = { createEngine: fakeEngine() };
const visit = await serve(t, few, parts);
const small = await photo(200, 150);
const hasMask = ({ mask }: Sent) => mask?.length === 1;

async function atWork(t: Test) {
  const visited = await visit(t);
  await choose(visited.page, '#choose', 'small.png', small);
  await sheetDone(visited.page);
  await pick(visited.page, 'mosaic');
  return visited;
}

/** Of the mask that a form has. */
async function grey({ mask }: Sent) {
  const { data, info } = await sharp(mask?.[0])
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    at: (x: number, y: number) =>
      data[
        (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels
      ] ?? NaN,
    black: data.filter((value) => value === 0).length,
    between: data.filter((value) => value > 0 && value < 255).length,
    size: data.length,
  };
}

t.test('nothing waits for a library that is away', { skip }, async (t) => {
  const { page } = await visit(t, '#styles=mosaic');
  const away = { title: 'Away', status: 503, detail: 'Away.', code: 'store_unavailable' };
  await page.route(/kind=registered/, (route) =>
    route.fulfill({
      status: 503,
      headers: { 'retry-after': '1' },
      contentType: 'application/problem+json',
      body: JSON.stringify(away),
    }),
  );
  await page.reload();
  await choose(page, '#choose', 'small.png', small);
  await painted(page);
  await sheetDone(page);
  await page.waitForSelector('[data-style=mosaic] [aria-pressed=true]');
  await page.waitForSelector('#chosen .name:text("Mosaic")');
});

t.test('a page of the library that fails is asked for again', { skip }, async (t) => {
  const { page, url } = await visit(t);
  await page.goto('about:blank'); // what the first visit has still to ask for does not count
  const styles = Array.from({ length: 49 }, (_, at) => {
    const id = `s${at}`;
    return { id, kind: 'registered', name: id, description: '', license: '', links: {} };
  });
  const asked: (string | null)[] = [];
  let fails = true;
  await page.route(/kind=registered/, (route) => {
    const after = new URL(route.request().url()).searchParams.get('after');
    asked.push(after);
    const wrong = { title: 'Wrong', status: 500, detail: 'This is wrong.' };
    const from = styles.findIndex(({ id }) => id === after) + 1;
    const links = from === 0 ? { next: '/styles?kind=registered&limit=48&after=s47' } : {};
    const body = fails ? wrong : { styles: styles.slice(from, from + 48), links };
    return route.fulfill({
      status: fails ? 500 : 200,
      contentType: `application/${fails ? 'problem+' : ''}json`,
      body: JSON.stringify(body),
    });
  });
  await page.goto(url);
  await choose(page, '#choose', 'small.png', small);
  const tiles = (count: number) =>
    until(page, `document.querySelectorAll('#registered li').length === ${count}`);
  await page.waitForSelector('#more');
  fails = false;
  await page.click('#more');
  await tiles(48);
  fails = true;
  const failed = page.waitForResponse(/after=s47/);
  await page.click('#more');
  await (await failed).finished();
  fails = false;
  await page.click('#more');
  await tiles(49);
  await page.waitForSelector('#more', { state: 'hidden' });
  t.same(asked, [null, null, 's47', 's47']);
});

t.test('a photograph is dropped anywhere', { skip }, async (t) => {
  const { page, forms, complaints } = await visit(t, '#styles=mosaic');
  await drop(page, 'header', 'dropped.png', small);
  await painted(page);
  await sheetDone(page);
  t.ok(forms.some(({ content, size }) => !size && small.equals(content?.[0] as Buffer)));
  await drop(page, '#sheet', 'another.png', await photo(60, 40, 2));
  await until(page, `document.querySelector('#before').naturalWidth === 60`);
  t.same(complaints, []);
});

t.test('phones offer their camera; the picture is scaled', { skip }, async (t) => {
  const { page, form, complaints } = await visit(t, '#styles=mosaic');
  t.notOk(await page.isVisible('#camera-label'), 'a mouse has none');
  const session = await page.context().newCDPSession(page);
  const phone = { width: 390, height: 800, deviceScaleFactor: 1, mobile: true };
  await session.send('Emulation.setDeviceMetricsOverride', phone);
  await session.send('Emulation.setTouchEmulationEnabled', { enabled: true });
  await page.waitForSelector('#camera-label');
  t.equal(await page.getAttribute('#camera', 'capture'), 'environment');
  const large = await sharp(await photo(3000, 300))
    .jpeg()
    .toBuffer();
  const next = form(({ styleId, size }) => styleId?.join() === 'mosaic' && size?.join() === '768');
  await choose(page, '#camera', 'phone.jpeg', large);
  t.equal((await sharp((await next)['content']?.[0]).metadata()).width, 1536);
  t.match(await page.textContent('#curl'), '-F size=2048');
  t.same(complaints, []);
});

t.test('the last photograph wins, however long others take to be read', { skip }, async (t) => {
  const { page, complaints } = await visit(t, '#styles=mosaic');
  await page.evaluate(`{
    const { createImageBitmap } = globalThis;
    globalThis.createImageBitmap = (file) => {
      if (file.name !== 'slow.png') return createImageBitmap(file);
      return new Promise((resolve) => {
        globalThis.goOn = () => resolve(createImageBitmap(file));
      });
    };
  }`);
  await choose(page, '#choose', 'slow.png', await photo(60, 40, 2));
  await until(page, `'goOn' in globalThis`);
  await choose(page, '#choose', 'small.png', small);
  await sheetDone(page);
  await painted(page);
  await page.evaluate('goOn()');
  await page.waitForTimeout(300);
  t.equal(await page.evaluate(`document.querySelector('#before').naturalWidth`), 200);
  t.same(complaints, []);
});

t.test('the brush: size, hardness, colour, keys, undo, clear', { skip }, async (t) => {
  const { page, form, complaints } = await atWork(t);
  await page.click('#mask-toggle');
  const act = async (action: () => Promise<unknown>) => {
    const next = form(hasMask);
    await action();
    return grey(await next);
  };
  for (const idle of ['#mask-undo', '#mask-clear']) await page.click(idle);
  const unmasked = form(() => true);
  await page.check('[name=color][value=content]');
  t.notOk(hasMask(await unmasked), 'nothing is undone or cleared, and no mask is made of it');
  const dab = () => page.press('#mask', 'Space');
  await page.fill('#brush-size', '20');
  await page.fill('#brush-hardness', '100');
  const hard = await act(dab);
  t.equal(hard.at(0.5, 0.5), 0, 'black in the middle');
  t.equal(hard.at(0.1, 0.1), 255);
  const round = Math.PI * (0.1 * 768) ** 2;
  t.ok(Math.abs(hard.black - round) < round / 20, `${hard.black} of ${round}`);
  t.ok(hard.between < round / 10, 'with a hard edge');
  const undo = () => page.click('#mask-undo');
  t.equal((await act(undo)).black, 0);

  await page.fill('#brush-size', '60');
  t.ok((await act(dab)).black > 8 * round, 'three times as wide');
  await act(undo);
  await page.fill('#brush-hardness', '0');
  const soft = await act(dab);
  t.ok(soft.between > round, 'with a soft edge');
  t.ok(soft.at(0.5, 0.5) < soft.at(0.6, 0.5) && soft.at(0.6, 0.5) < soft.at(0.68, 0.5));

  await page.check('input[name=brush][value=white]');
  await page.fill('#brush-hardness', '100');
  t.equal((await act(dab)).at(0.5, 0.5), 255, 'painted white again');
  await page.check('input[name=brush][value=black]');
  for (let presses = 0; presses < 2; presses++) await page.press('#mask', 'ArrowLeft');
  await page.press('#mask', 'ArrowDown');
  const moved = await act(dab);
  t.ok(moved.at(0.2, 0.7) === 0 && moved.at(0.9, 0.2) === 255, 'where the keys have moved it');
  t.equal((await act(() => page.click('#mask-clear'))).black, 0);
  t.same(complaints, []);
});

t.test('a mask is dropped on the picture, or on its controls', { skip }, async (t) => {
  const { page, form } = await atWork(t);
  await page.click('#mask-toggle');
  const half = (left: string, right: string) =>
    sharp({ create: { width: 8, height: 6, channels: 3, background: left } })
      .composite([
        {
          input: { create: { width: 4, height: 6, channels: 3, background: right } },
          gravity: 'east',
        },
      ])
      .png()
      .toBuffer();
  for (const [target, left, right] of [
    ['#mask', 'white', 'black'],
    ['#brush', 'black', 'white'],
  ] as const) {
    const next = form(hasMask);
    await drop(page, target, 'mask.png', await half(left, right));
    const { at } = await grey(await next);
    t.same([at(0.1, 0.5), at(0.9, 0.5)], left === 'white' ? [255, 0] : [0, 255], target);
  }
  await painted(page);
  const route = await hold(page, '**/stylize', 1);
  await page.fill('#quality', '50');
  const asked = await route(0);
  await drop(page, '#brush', 'text.png', Buffer.from('no picture at all'));
  await page.locator('#brush .error', { hasText: 'cannot show the mask' }).waitFor();
  await asked.continue();
  await painted(page); // with the mask before, which takes nothing of that away
  t.ok(await page.isVisible('#brush .error'));
});

t.test('previews say where the whole picture is finer', { skip }, async (t) => {
  const { page, complaints } = await visit(t, '#styles=mosaic&strokes=0.5');
  await choose(page, '#choose', 'wide.png', await photo(1600, 100));
  await page.locator('#status', { hasText: '1:1 shows them' }).waitFor();
  await page.click('#zoom');
  await page.locator('#status', { hasText: /^Painted as Mosaic\.$/ }).waitFor();
  t.same(complaints, []);
});

t.test('it outlives the service, and goes on with the next', { skip }, async (t) => {
  const serveOn = async (port: number) => {
    const app = await build(t, few, parts);
    return { app, url: await app.listen({ port, host: '127.0.0.1' }) };
  };
  const first = await serveOn(await freePort());
  const { page } = await visit(t, '#styles=mosaic');
  await page.goto(`${first.url}/#styles=mosaic`);
  await choose(page, '#choose', 'small.png', small);
  await sheetDone(page);
  await choose(page, '#own-style', 'own.png', await photo(64, 64, 5));
  await page.locator('#status', { hasText: 'Painted as Mosaic and own.' }).waitFor();
  await first.app.close();
  await page.fill('#quality', '50');
  await page.locator('#status', { hasText: 'The service does not answer.' }).waitFor();
  await serveOn(Number(new URL(first.url).port));
  await page.locator('#status', { hasText: 'Painted as Mosaic and own.' }).waitFor();
  const another = await photo(60, 40, 2);
  await sheetDoneAnew(page, () => choose(page, '#choose', 'another.png', another));
});

t.test('behind a prefix all is there', { skip }, async (t) => {
  const below = await serve(t, { ...few, ADAIN_BASE_PATH: '/art/paint' }, parts);
  const { page, url, complaints } = await below(t, '#styles=mosaic');
  t.match(url, /\/art\/paint$/);
  await page.click('[data-example=lake]');
  await sheetDone(page);
  await painted(page);
  t.match(await page.textContent('#curl'), `${url}/stylize`);
  await until(page, `document.querySelector('#chosen img').naturalWidth > 0`);
  const link = await page.evaluate(`document.querySelector('nav [href^=openapi]').href`);
  t.equal(link, `${url}/openapi.yaml`);
  t.same(complaints, []);
});

t.test('dark where dark is wished for, still where motion is not', { skip }, async (t) => {
  const { page } = await atWork(t);
  const style = (of: string, property: string) =>
    page.evaluate<string>(`getComputedStyle(document.querySelector('${of}')).${property}`);
  await page.route('**/stylize', () => undefined); // it stays busy
  await page.fill('#quality', '20');
  await page.waitForSelector('#frame.is-busy');
  const lightness = async () => {
    const [red = 0, green = 0, blue = 0] =
      (await style('html', 'backgroundColor')).match(/\d+/g) ?? [];
    return (Number(red) + Number(green) + Number(blue)) / 3;
  };
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
  t.ok((await lightness()) > 200);
  t.equal(await style('.busy', 'animationName'), 'busy');
  t.equal(await style('html', 'scrollBehavior'), 'smooth');
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  t.ok((await lightness()) < 50);
  t.equal(await style('html', 'scrollBehavior'), 'auto');
  t.equal(await page.evaluate('document.getAnimations().length'), 0);
});
