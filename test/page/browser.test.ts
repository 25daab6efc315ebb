/** The page in Chromium, on the real model. */
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { photo } from '../support/app.ts';
import { skip } from '../support/chromium.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import {
  choose,
  drop,
  fewPresets,
  hear,
  hold,
  painted,
  pick,
  type Sent,
  seriousFindings,
  serve,
  sheetDone,
} from './visit.ts';

const visit = await serve(t, fewPresets(t));
const visitEvery = await serve(t, {}, { createEngine: fakeEngine() });
const small = await photo(200, 150);
const has = (name: string, value: string) => (form: Sent) => form[name]?.join() === value;

/** Opens the page with a small photograph, painted in a style. */
async function atWork(t: Test, opened = visit) {
  const visited = await opened(t);
  await choose(visited.page, '#choose', 'small.png', small);
  await sheetDone(visited.page);
  await pick(visited.page, 'mosaic');
  return visited;
}

t.test('the contact sheet: every preset, two at a time', { skip }, async (t) => {
  const { page, forms, complaints, most } = await visitEvery(t);
  const route = await hold(page, '**/stylize', 2);
  await page.click('[data-example=lake]');
  for (const one of [await route(0), await route(1)]) await one.continue();
  await sheetDone(page);
  const tiles = await page.$$eval('#tiles li', (all) => all.length);
  t.equal(forms.length, tiles);
  t.ok(tiles > 10);
  t.ok(most() <= 2);
  for (const form of forms) t.match(form, { size: ['256'], format: ['webp'] });
  const sizes = await page.$$eval('#tiles .painted', (all) =>
    all.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
  );
  t.ok(sizes.every((width) => width === 256));
  t.equal(new Set(forms.map(({ styleId }) => styleId?.join())).size, tiles);
  t.same(complaints, []);
});

t.test('another photograph cancels the contact sheet of the one before', { skip }, async (t) => {
  const { page, forms, complaints } = await visit(t);
  const aborted: string[] = [];
  page.on('requestfailed', (request) => aborted.push(request.failure()?.errorText ?? ''));
  let held = 0;
  await page.route('**/stylize', (route) => (held++ < 2 ? undefined : route.continue()));
  await choose(page, '#choose', 'first.png', await photo(60, 40, 7));
  await page.waitForSelector('#sheet-status:not(:empty)');
  while (held < 2) await page.waitForTimeout(20);
  await page.click('#another');
  await choose(page, '#choose', 'small.png', small);
  await sheetDone(page);
  t.same(aborted, ['net::ERR_ABORTED', 'net::ERR_ABORTED']);
  for (const form of forms) t.same((await sharp(form['content']?.[0]).metadata()).width, 200);
  t.same(complaints, []);
});

t.test('every control changes the request', { skip }, async (t) => {
  const { page, form, complaints } = await atWork(t);
  const slide = (selector: string, value: string) => () => page.fill(selector, value);
  const changes: [field: string, value: string, act: () => Promise<unknown>][] = [
    ['alpha', '0.5', slide('[aria-label="Strength of Mosaic"]', '50')],
    ['strokes', '2', slide('#strokes', '1')],
    ['strokes', 'auto', () => page.check('#strokes-auto')],
    ['color', 'content', () => page.check('input[value=content]')],
    ['color', 'only', () => page.check('input[value=only]')],
    ['size', '100', slide('#size', '100')],
    ['format', 'avif', () => page.selectOption('#format', 'avif')],
    ['quality', '40', slide('#quality', '40')],
    ['styleId', 'mosaic,ink-wash', () => page.click('[data-style=ink-wash] .add')],
    ['weights', '4,1', slide('[aria-label="Weight of Mosaic"]', '4')],
    ['alpha', '0.5,0.2', slide('[aria-label="Strength of Ink wash"]', '20')],
    ['styleId', 'ink-wash', () => page.click('[aria-label="Without Mosaic"]')],
  ];
  for (const [field, value, act] of changes) {
    const next = form(has(field, value));
    await act();
    const sent = await next;
    t.same(sent[field]?.join(), value, field);
  }
  await painted(page);
  t.match(await page.textContent('#timing'), /\d ms \(decode \d.* infer \d/);
  t.same(complaints, []);
});

t.test('three styles: weights by sliders, and by a point in a triangle', { skip }, async (t) => {
  const { page, form, complaints } = await visit(t, '#styles=mosaic,ink-wash,woodcut');
  await choose(page, '#choose', 'small.png', small);
  await sheetDone(page);
  const slid = form(has('weights', '1,6,1'));
  await page.fill('[aria-label="Weight of Ink wash"]', '6');
  await slid;
  await page.locator('.triangle').scrollIntoViewIfNeeded();
  const box = await page.locator('.triangle .field').boundingBox();
  if (!box) throw new Error('there is no triangle');
  const point = async () => {
    const at = await page.locator('.point').boundingBox();
    return (
      at && [(at.x + at.width / 2 - box.x) / box.width, (at.y + at.height / 2 - box.y) / box.height]
    );
  };
  const near = (found: number[] | null, x: number, y: number) =>
    found !== null && Math.hypot((found[0] ?? 9) - x, (found[1] ?? 9) - y) < 0.02;
  t.ok(near(await point(), 1.5 / 8, 7 / 8), 'the point follows the slider');

  const dragged = form(has('weights', '0,5,5'));
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height * 2, { steps: 4 });
  await page.mouse.up();
  await dragged;
  t.ok(near(await point(), 0.5, 1), 'it stays in the triangle');
  t.equal(await page.inputValue('[aria-label="Weight of Mosaic"]'), '0', 'the sliders follow');
  t.equal(await page.inputValue('[aria-label="Weight of Woodcut"]'), '5');
  await page.click('[aria-label="Without Mosaic"]');
  t.equal(await page.locator('.triangle').count(), 0, 'two have none');
  t.same(complaints, []);
});

t.test('the latest wish wins: what is overtaken is aborted', { skip }, async (t) => {
  const { page, form, complaints } = await atWork(t);
  const aborted = page.waitForEvent('requestfailed');
  let asked = 0;
  const begun = new Promise<void>((resolve) => {
    void page.route('**/stylize', (route) => {
      if (asked++ > 0) return route.continue();
      resolve(); // and it is not answered
      return undefined;
    });
  });
  const isBusy = await page.evaluate<boolean>(`{
    const quality = document.querySelector('#quality');
    quality.value = '10';
    quality.dispatchEvent(new Event('input', { bubbles: true }));
    document.querySelector('#frame').matches('.is-busy');
  }`);
  t.ok(isBusy, 'from the wish on');
  await begun;
  const next = form(has('quality', '30'));
  for (const value of ['11', '20', '30']) await page.fill('#quality', value);
  await next;
  t.equal((await aborted).failure()?.errorText, 'net::ERR_ABORTED');
  await painted(page);
  t.same(complaints, []);
});

for (const touch of [false, true]) {
  t.test(
    `a mask painted by ${touch ? 'touch' : 'mouse'} arrives as painted`,
    { skip },
    async (t) => {
      const { page, form, complaints } = await atWork(t);
      await page.click('#mask-toggle');
      await page.fill('#brush-size', '30');
      await page.fill('#brush-hardness', '100');
      const box = await page.locator('#mask').boundingBox();
      if (!box) throw new Error('there is no mask');
      const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
      const next = form(({ mask }) => mask?.length === 1);
      if (touch) {
        const session = await page.context().newCDPSession(page);
        const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: number[][]) =>
          session.send('Input.dispatchTouchEvent', {
            type,
            touchPoints: points.map(([x = 0, y = 0]) => ({ x, y })),
          });
        await send('touchStart', [...at(0.25, 0.5)]);
        for (const x of [0.4, 0.6, 0.75]) await send('touchMove', [...at(x, 0.5)]);
        await send('touchEnd');
      } else {
        await page.mouse.move(...at(0.25, 0.5));
        await page.mouse.down();
        await page.mouse.move(...at(0.75, 0.5), { steps: 3 });
        await page.mouse.up();
      }
      const { mask } = await next;
      const { data, info } = await sharp(mask?.[0])
        .greyscale()
        .raw()
        .toBuffer({ resolveWithObject: true });
      t.equal(info.width / info.height, 1024 / 768, 'in proportion');
      const grey = (x: number, y: number) =>
        data[
          (Math.round(y * info.height) * info.width + Math.round(x * info.width)) * info.channels
        ];
      for (const x of [0.25, 0.4, 0.5, 0.6, 0.75]) t.equal(grey(x, 0.5), 0, `black at ${x}`);
      for (const [x, y] of [
        [0.5, 0.3],
        [0.5, 0.7],
        [0.1, 0.5],
        [0.9, 0.5],
        [0.01, 0.01],
      ] as const) {
        t.equal(grey(x, y), 255, `white at ${x} ${y}`);
      }
      const inverted = form(({ mask }) => mask?.length === 1);
      await page.click('#mask-invert');
      const turned = await sharp((await inverted)['mask']?.[0])
        .greyscale()
        .raw()
        .toBuffer();
      t.ok(
        data.every((value, i) => turned[i] === 255 - value),
        'inverted',
      );
      const undone = form(({ mask }) => mask?.length === 1);
      await page.click('#mask-undo');
      const before = await sharp((await undone)['mask']?.[0])
        .greyscale()
        .raw()
        .toBuffer();
      t.ok(before.equals(data), 'undone');
      t.same(complaints, []);
    },
  );
}

t.test('each of several styles has a mask of its own', { skip }, async (t) => {
  const { page, form, complaints } = await atWork(t);
  await page.click('[data-style=ink-wash] .add');
  await page.click('#mask-toggle');
  await page.selectOption('#mask-for', { label: 'Ink wash' });
  const next = form(({ mask }) => mask?.length === 2);
  await choose(
    page,
    '#mask-file',
    'grey.png',
    await sharp({ create: { width: 4, height: 3, channels: 3, background: '#808080' } })
      .png()
      .toBuffer(),
  );
  const means = ({ mask = [] }: Sent) =>
    Promise.all(mask.map(async (one) => (await sharp(one).stats()).channels[0]?.mean));
  const sent = await next;
  t.same(sent['styleId'], ['mosaic', 'ink-wash']);
  t.same(await means(sent), [255, 128]);
  await painted(page);

  const reordered = form(({ styleId }) => styleId?.join() === 'ink-wash,mosaic');
  await page.click('[data-style=mosaic] .add');
  t.same(await means(await reordered), [128, 255], 'it goes where its style goes');
  const alone = form(({ styleId }) => styleId?.join() === 'ink-wash');
  await page.click('[title="Without Mosaic"]');
  t.same(await means(await alone), [128], 'and stays with it');
  const without = form(({ styleId }) => styleId?.join() === 'mosaic');
  await page.click('[data-style=mosaic] .pick');
  t.same(await means(await without), [], 'and goes with it');
  await painted(page);
  t.same(complaints, []);
});

t.test('who adds a ninth style is told which one makes room', { skip }, async (t) => {
  const { page, form } = await atWork(t, visitEvery);
  const rest = page.locator('#tiles li:not([data-style=mosaic]) .add');
  for (let at = 0; at < 7; at++) await rest.nth(at).click();
  const names = await page.locator('#chosen .name').allTextContents();
  t.equal(names.length, 8);
  const error = page.locator('[data-field~=styleId] .error');
  t.notOk(await error.isVisible());
  const next = form(({ styleId }) => styleId?.length === 8);
  await rest.nth(7).click();
  await next;
  const now = await page.locator('#chosen .name').allTextContents();
  t.same(now.slice(0, 7), names.slice(0, 7));
  const told = `8 styles can be blended: ${now[7]} is in the place of ${names[7]}.`;
  t.equal(await error.textContent(), told);
  await page.click('[data-style=mosaic] .pick');
  await error.waitFor({ state: 'hidden' });
});

t.test('what is wrong is said at its field, in words, until it is right', { skip }, async (t) => {
  const { page, complaints } = await atWork(t);
  const error = page.locator('[data-field~=size] .error');
  await page.fill('#size', '15');
  await error.waitFor();
  t.match(await error.textContent(), /size.* 16 /);
  t.equal(await error.getAttribute('role'), 'alert');
  await page.fill('#size', '64');
  await error.waitFor({ state: 'hidden' });

  await page.click('#another');
  await choose(page, '#choose', 'text.jpeg', Buffer.from('no picture at all'));
  const content = page.locator('#start .error');
  await content.waitFor();
  t.match(await content.textContent(), /JPEG, PNG/);
  t.ok(complaints.length >= 2 && complaints.every((text) => /status of 4\d\d/.test(text)));
});

t.test(
  'a style of one’s own, by drop; saved to the library it has its tile',
  { skip },
  async (t) => {
    const { page, form, complaints } = await atWork(t);
    const style = await photo(80, 80, 9);
    const next = form(({ style }) => style?.length === 1);
    await drop(page, '#controls', 'mine.png', style);
    const sent = await next;
    t.match(sent, { styleId: ['mosaic'], style: [style] });
    await painted(page);
    await page.waitForURL(/#styles=mosaic,sha256-[0-9a-f]{64}/); // the link knows it by its id

    const masked = form(({ mask }) => mask?.length === 2);
    await page.click('#mask-toggle');
    await page.selectOption('#mask-for', { label: 'mine' });
    await page.click('#mask-invert');
    const { mask } = await masked;
    const byId = form(({ styleId }) => styleId?.length === 2);
    await page.fill('[aria-label="Its name in the library"]', 'My own');
    await page.click('text=Save to library');
    await page.waitForSelector('#registered >> text=My own');
    t.match(await byId, { styleId: ['mosaic', /^sha256-/], style: undefined, mask });
    await page.locator('#registered .style').scrollIntoViewIfNeeded(); // it is loaded when it is seen
    const width = await page.$eval('#registered .style', async (element) => {
      const image = element as unknown as { decode(): Promise<void>; naturalWidth: number };
      await image.decode();
      return image.naturalWidth;
    });
    t.equal(width, 80, 'with its thumbnail');
    t.same(complaints, []);
  },
);

t.test('a link holds the settings', { skip }, async (t) => {
  const { page, form, complaints } = await visit(
    t,
    '#styles=mosaic,ink-wash&weights=3,1&alpha=0.5&strokes=2&color=content&size=64&format=png',
  );
  const next = form(has('size', '64'));
  await choose(page, '#choose', 'small.png', small);
  t.same(
    { ...(await next), content: [] },
    {
      content: [],
      ...{ styleId: ['mosaic', 'ink-wash'], weights: ['3,1'], alpha: ['0.5'], strokes: ['2'] },
      ...{ color: ['content'], size: ['64'], format: ['png'], quality: ['85'] },
    },
  );
  await painted(page);
  t.equal(await page.inputValue('#size'), '64');
  t.match(await page.textContent('#chosen'), /Mosaic.*Ink wash/);
  t.match(await page.textContent('#curl'), /-F styleId=mosaic .*-F weights=3,1 /s);
  t.same(complaints, []);
});

t.test('the whole picture is painted for download and 1:1', { skip }, async (t) => {
  const { page, form, complaints } = await visit(t);
  await choose(
    page,
    '#choose',
    'wide.jpeg',
    await sharp(await photo(1000, 100))
      .jpeg()
      .toBuffer(),
  );
  await sheetDone(page);
  const preview = form(has('size', '768'));
  await pick(page, 'ink-wash');
  t.match(await preview, { strokes: ['0.768'], format: ['webp'] }, 'as wide as in the result');
  const whole = form(has('strokes', 'auto'));
  const download = page.waitForEvent('download');
  await page.click('#download');
  const file = await download;
  t.equal(file.suggestedFilename(), 'wide-painted.jpg');
  t.match(await sharp(await file.path()).metadata(), { format: 'jpeg', width: 1000 });
  t.match(await whole, { size: undefined, format: undefined });
  await page.click('#zoom');
  await page.waitForSelector('#zoom[aria-pressed=true]');
  t.equal((await page.locator('#after').boundingBox())?.width, 1000);
  await page.fill('#divider', '50');
  const clip = await page.$eval('#after', (image) => {
    const world = globalThis as unknown as { getComputedStyle(of: unknown): { clipPath: string } };
    return world.getComputedStyle(image).clipPath;
  });
  t.match(clip, '50%');
  t.same(complaints, []);
});

t.test(
  'large photographs are scaled before they are sent, unless they are to stay',
  { skip },
  async (t) => {
    const { page, form, complaints } = await visit(t, '#styles=mosaic&size=64');
    const large = await sharp(await photo(2500, 100))
      .jpeg()
      .toBuffer();
    const sentWidth = async () => {
      const next = form(has('size', '64'));
      await choose(page, '#choose', 'large.jpeg', large);
      return (await sharp((await next)['content']?.[0]).metadata()).width;
    };
    t.equal(await sentWidth(), 2048);
    await page.click('#another');
    await page.check('#keep-size');
    t.equal(await sentWidth(), 2500);
    t.equal(complaints.length, complaints.filter((text) => /status of 4/.test(text)).length);
  },
);

t.test('a photograph can be pasted', { skip }, async (t) => {
  const { page, complaints } = await visit(t);
  await page.evaluate(`{
    const clipboardData = new DataTransfer();
    const bytes = Uint8Array.from(atob('${small.toString('base64')}'), (c) => c.charCodeAt(0));
    clipboardData.items.add(new File([bytes], 'pasted.png', { type: 'image/png' }));
    document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
  }`);
  await sheetDone(page);
  t.same(complaints, []);
});

t.test('an animation plays', { skip }, async (t) => {
  const { page, form, complaints } = await visit(t);
  const frame = (seed: number) =>
    photo(64, 48, seed).then((png) => sharp(png).removeAlpha().raw().toBuffer());
  const frames = Buffer.concat([await frame(1), await frame(2)]);
  const gif = await sharp(frames, { raw: { width: 64, height: 96, channels: 3, pageHeight: 48 } })
    .gif({ delay: [80, 80] })
    .toBuffer();
  await choose(page, '#choose', 'moving.gif', gif);
  await sheetDone(page);
  await pick(page, 'mosaic');
  const next = form(has('frames', 'all'));
  const answer = page.waitForResponse('**/stylize');
  await page.check('#frames');
  t.match(await next, { content: [gif] });
  await painted(page);
  const seen = await (await answer).body();
  t.equal((await sharp(seen, { animated: true }).metadata()).pages, 2, 'shown moving');
  const download = page.waitForEvent('download');
  await page.click('#download');
  t.match(await sharp(await (await download).path(), { animated: true }).metadata(), {
    format: 'gif',
    pages: 2,
  });
  t.same(complaints, []);
});

t.test(
  'it waits for a service that is busy or away, and goes on by itself',
  { skip },
  async (t) => {
    const { page } = await atWork(t);
    const problem = { title: 'Overloaded', status: 503, detail: 'Come back.', code: 'overloaded' };
    const answers = [
      {
        status: 503,
        headers: { 'retry-after': '1' },
        contentType: 'application/problem+json',
        body: JSON.stringify(problem),
      },
      'connectionrefused',
    ] as const;
    let asked = 0;
    await page.route('**/stylize', async (route) => {
      const answer = answers[asked++];
      if (answer === undefined) await route.continue();
      else if (answer === 'connectionrefused') await route.abort(answer);
      else await route.fulfill(answer);
    });
    const said = await hear(page);
    await page.fill('#quality', '50');
    await said('Overloaded. It is tried again in 1 s.');
    await said('The service does not answer. It is tried again in ');
    await said('Painted as Mosaic.');
    t.equal(asked, 3);
  },
);

t.test('the keyboard alone reaches a result', { skip }, async (t) => {
  const { page, complaints } = await visit(t);
  const tabTo = async (selector: string) => {
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press('Tab');
      if (await page.$(`${selector}:focus`)) return;
    }
    throw new Error(`Tab does not reach ${selector}`);
  };
  await tabTo('[data-example=still-life]');
  await page.keyboard.press('Enter');
  await sheetDone(page);
  await tabTo('[data-style=woodcut] .pick');
  await page.keyboard.press('Enter');
  await painted(page);
  await tabTo('#divider');
  await page.keyboard.press('End');
  t.equal(await page.inputValue('#divider'), '100');
  const download = page.waitForEvent('download');
  await tabTo('#download');
  await page.keyboard.press('Enter');
  t.equal((await download).suggestedFilename(), 'still-life-painted.jpg');
  t.same(complaints, []);
});

t.test('axe finds nothing serious, in light and dark', { skip }, async (t) => {
  const { page } = await visit(t);
  const check = async (name: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      t.same(await seriousFindings(page), [], `${name}, ${colorScheme}`);
    }
  };
  await check('the beginning');
  await choose(page, '#choose', 'small.png', small);
  await sheetDone(page);
  await check('the contact sheet');
  await pick(page, 'mosaic');
  await page.click('[data-style=ink-wash] .add'); // with another, a triangle
  await choose(page, '#own-style', 'own.png', await photo(64, 64, 3));
  await page.click('#mask-toggle');
  await page.click('summary');
  await page.fill('#size', '15');
  await page.locator('[data-field~=size] .error').waitFor();
  await check('everything open');
});

t.test('nothing is wider than a phone', { skip }, async (t) => {
  const { page } = await atWork(t);
  await page.click('[data-style=ink-wash] .add');
  await page.click('#mask-toggle');
  await page.click('summary');
  for (const width of [320, 390, 820, 1440, 2560]) {
    await page.setViewportSize({ width, height: 800 });
    t.equal(
      await page.$eval('html', (html) => (html as unknown as { scrollWidth: number }).scrollWidth),
      width,
    );
  }
});
