import t from 'tap';

import { build, form, photo, type Field } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

// What a well-made form is refused for: code, field, and the advice.
const app = await build(
  t,
  { ADAIN_MAX_UPLOAD_BYTES: '100000', ADAIN_MAX_PIXELS: '20000' },
  { createEngine: fakeEngine() },
);
const content = await photo();
const style = await photo(48, 48, 3);

interface Problem {
  field?: string;
  detail: string;
}

const both = [
  ['content', content],
  ['style', style],
] as const;
const withField = (name: string, value: string) => [...both, [name, value] as const];

type Case = [
  what: string,
  fields: readonly Field[],
  status: number,
  code: string,
  field: string | undefined,
  advice: RegExp,
];

const cases: Case[] = [
  ['no content', [['style', style]], 400, 'invalid_value', 'content', /missing.*as a file/],
  ['no style', [['content', content]], 400, 'invalid_value', 'styleId', /GET \/styles/],
  [
    'content as text',
    [
      ['content', 'hello'],
      ['style', style],
    ],
    400,
    'invalid_value',
    'content',
    /curl -F content=@/,
  ],
  [
    'style as text',
    [
      ['content', content],
      ['style', 'mosaic'],
    ],
    400,
    'invalid_value',
    'style',
    /preset with styleId/,
  ],
  ['two contents', [...both, ['content', content]], 400, 'invalid_value', 'content', /twice/],
  ['two sizes', [...both, ['size', '64'], ['size', '64']], 400, 'invalid_value', 'size', /twice/],
  [
    'two alphas for one style',
    [...both, ['alpha', '1'], ['alpha', '0']],
    400,
    'invalid_value',
    'alpha',
    /^1 style needs 1 alpha; 2 came\. Send one\.$/,
  ],
  [
    'two alphas for three styles',
    [...both, ['styleId', 'woodcut,mosaic'], ['alpha', '1,0']],
    400,
    'invalid_value',
    'alpha',
    /^3 styles need 1 or 3 alphas; 2 came\. Send one for all styles, or one a style in their order\.$/,
  ],
  [
    'an alpha of several that is none',
    [...both, ['styleId', 'woodcut'], ['alpha', '1,50%']],
    400,
    'invalid_value',
    'alpha',
    /alpha is "50%"; it takes a number from 0 to 1\. Did you mean 0\.5\?/,
  ],
  [
    'three masks for two styles',
    [...both, ['styleId', 'woodcut'], ['mask', content], ['mask', content], ['mask', content]],
    400,
    'invalid_value',
    'mask',
    /^2 styles need 1 or 2 masks; 3 came\. Send one for all styles, or one a style/,
  ],
  [
    'two masks for one style',
    [...both, ['mask', content], ['mask', content]],
    400,
    'invalid_value',
    'mask',
    /^1 style needs 1 mask; 2 came/,
  ],
  [
    'two masks for nine styles',
    [
      ['content', content],
      ['style', content],
      ['styleId', 'woodcut,mosaic,woodcut,mosaic,woodcut,mosaic,woodcut,mosaic'],
      ['mask', content],
      ['mask', content],
    ],
    400,
    'invalid_value',
    'mask',
    /^9 styles share 1 mask; 2 came\. Send one, or one a style for at most 8 styles\.$/,
  ],
  [
    'nine masks',
    [...both, ...Array.from({ length: 9 }, () => ['mask', content] as const)],
    400,
    'invalid_value',
    'mask',
    /mask has 9 values; it takes at most 8 of them/,
  ],
  ['a mask as text', withField('mask', '1'), 400, 'invalid_value', 'mask', /-F mask=@picture/],
  [
    'a mask that is no picture',
    [...both, ['mask', Buffer.from('black and white')]],
    415,
    'unsupported_media_type',
    'mask',
    /not a picture of a type we take\. Send JPEG, PNG/,
  ],
  [
    'a mask cut short',
    [...both, ['mask', content.subarray(0, content.length - 900)]],
    422,
    'undecodable_image',
    'mask',
    /Send it again whole/,
  ],
  [
    'a file as alpha',
    [...both, ['alpha', content]],
    400,
    'invalid_value',
    'alpha',
    /send it as text/,
  ],
  [
    'an unknown field',
    withField('strength', '1'),
    400,
    'invalid_value',
    'strength',
    /did you mean alpha\?/,
  ],
  ['alpha of 2', withField('alpha', '2'), 400, 'invalid_value', 'alpha', /a number from 0 to 1/],
  [
    'alpha in words',
    withField('alpha', 'much'),
    400,
    'invalid_value',
    'alpha',
    /a number from 0 to 1/,
  ],
  [
    'two names of one thing that differ',
    [...withField('color', 'only'), ['preserveColor', 'true']],
    400,
    'invalid_value',
    'preserveColor',
    /preserveColor is true, as color=content, and color is only; send color alone/,
  ],
  [
    'preserveColor yes',
    withField('preserveColor', 'yes'),
    400,
    'invalid_value',
    'preserveColor',
    /true or false/,
  ],
  ['size 0', withField('size', '0'), 400, 'invalid_value', 'size', /from 16 to 65535/],
  ['size in fractions', withField('size', '99.5'), 400, 'invalid_value', 'size', /whole number/],
  [
    'format bmp',
    withField('format', 'bmp'),
    400,
    'invalid_value',
    'format',
    /jpeg, png, webp, avif/,
  ],
  ['quality 0', withField('quality', '0'), 400, 'invalid_value', 'quality', /from 1 to 100/],
  [
    'two weights, one style',
    withField('weights', '1,2'),
    400,
    'invalid_value',
    'weights',
    /^1 style needs 1 weight; 2 came\./,
  ],
  [
    'a weight left out',
    [...both, ['styleId', 'mosaic'], ['weights', '3,']],
    400,
    'invalid_value',
    'weights',
    /a number from 0/,
  ],
  ['alpha in hex', withField('alpha', '0x1'), 400, 'invalid_value', 'alpha', /from 0 to 1/],
  ['size in hex', withField('size', '0x40'), 400, 'invalid_value', 'size', /from 16/],
  ['alpha without end', withField('alpha', 'Infinity'), 400, 'invalid_value', 'alpha', /from 0/],
  ['weights all 0', withField('weights', '0'), 400, 'invalid_value', 'weights', /all 0/],
  ['a negative weight', withField('weights', '-1'), 400, 'invalid_value', 'weights', /from 0/],
  [
    'a style id in capitals',
    withField('styleId', 'Mosaic!'),
    400,
    'invalid_value',
    'styleId',
    /GET \/styles/,
  ],
  [
    'a style id left out',
    withField('styleId', 'mosaic,'),
    400,
    'invalid_value',
    'styleId',
    /GET \/styles/,
  ],
  [
    'nine style ids',
    withField('styleId', Array(9).fill('mosaic').join()),
    400,
    'invalid_value',
    'styleId',
    /at most 8/,
  ],
  [
    'nine styles',
    [['content', content], ...Array.from({ length: 9 }, () => ['style', style] as const)],
    400,
    'invalid_value',
    'style',
    /at most 8/,
  ],
  [
    'a long text',
    withField('alpha', '1'.repeat(5000)),
    400,
    'invalid_value',
    'alpha',
    /longer than/,
  ],
  [
    'an unknown style',
    [
      ['content', content],
      ['styleId', 'no-such'],
    ],
    404,
    'unknown_style',
    'styleId',
    /GET \/styles/,
  ],
  [
    'a style id that fell out of the cache',
    [
      ['content', content],
      ['styleId', `sha256-${'0'.repeat(64)}`],
    ],
    404,
    'unknown_style',
    'styleId',
    /send the picture again/,
  ],
  [
    'content that is no picture',
    [
      ['content', Buffer.from('<html>')],
      ['style', style],
    ],
    415,
    'unsupported_media_type',
    'content',
    /JPEG, PNG/,
  ],
  [
    'a style that is no picture',
    [
      ['content', content],
      ['style', Buffer.from('%PDF-1.4')],
    ],
    415,
    'unsupported_media_type',
    'style',
    /JPEG, PNG/,
  ],
  [
    'a picture cut short',
    [
      ['content', content.subarray(0, 600)],
      ['style', style],
    ],
    422,
    'undecodable_image',
    'content',
    /again whole/,
  ],
  [
    'a tiny picture',
    [
      ['content', await photo(15, 40)],
      ['style', style],
    ],
    422,
    'image_too_small',
    'content',
    /at least 16/,
  ],
  [
    'too many pixels',
    [
      ['content', await photo(200, 101)],
      ['style', style],
    ],
    422,
    'too_many_pixels',
    'content',
    /20200 pixels; at most 20000/,
  ],
  ['too large a size', withField('size', '300'), 422, 'too_many_pixels', 'size', /smaller size/],
  [
    'too many bytes',
    [
      ['content', Buffer.alloc(100_001)],
      ['style', style],
    ],
    413,
    'too_many_bytes',
    undefined,
    /100000 bytes/,
  ],
  [
    'too many bytes together',
    [
      ['content', Buffer.alloc(60_000)],
      ['style', Buffer.alloc(60_000)],
    ],
    413,
    'too_many_bytes',
    undefined,
    /100000 bytes/,
  ],
];

for (const [what, fields, status, code, field, advice] of cases) {
  t.test(what, async (t) => {
    const reply = await app.inject(await form(...fields));
    const problem = reply.json<Problem>();
    t.match(reply.headers['content-type'], 'application/problem+json');
    t.match(problem, { status, code, type: `urn:adain-server:problem:${code}` });
    t.equal(reply.statusCode, status);
    t.equal(problem.field, field);
    t.match(problem.detail, advice);
  });
}

t.test('failures are counted by their code', async (t) => {
  const { body } = await app.inject('/metrics');
  t.match(body, /adain_rejections_total\{reason="unknown_style"\} 2/);
  t.match(body, /adain_requests_total\{route="\/stylize",status="404"\} 2/);
});
