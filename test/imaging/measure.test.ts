import t from 'tap';

import { measurePicture } from '../../src/imaging/measure.ts';
import { animation, noise, gifClaiming } from './files.ts';

t.test('size and media type come from the header', async (t) => {
  for (const format of ['jpeg', 'png', 'webp', 'avif', 'gif'] as const) {
    t.strictSame(await measurePicture(await noise(60, 40).toFormat(format).toBuffer(), 'file'), {
      width: 60,
      height: 40,
      mediaType: `image/${format}`,
    });
  }
});

t.test('the size is that of the upright picture', async (t) => {
  const lying = await noise(60, 40).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  t.match(await measurePicture(lying, 'file'), { width: 40, height: 60 });
});

t.test('an animation is as high as one frame', async (t) => {
  t.match(await measurePicture(await animation().gif().toBuffer(), 'file'), { height: 32 });
});

t.test('any size can be measured', async (t) => {
  t.match(
    await measurePicture(gifClaiming(await noise().gif().toBuffer(), 50_000, 50_000), 'file'),
    { width: 50_000 },
  );
});

t.test('other files are refused', async (t) => {
  await t.rejects(measurePicture(Buffer.from('hello'), 'starry.txt'), {
    code: 'unsupported_media_type',
    field: 'starry.txt',
  });
});
