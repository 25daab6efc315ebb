import t from 'tap';

import { nearest } from '../src/nearest.ts';

t.test('a slip of the keyboard', async (t) => {
  const words = ['content', 'style', 'styleId', 'weights', 'alpha', 'size', 'watercolour'];
  const slips: [text: string, meant: string | undefined][] = [
    ['weight', 'weights'],
    ['wieghts', 'weights'], // two letters swapped are one slip
    ['styles', 'style'],
    ['styleid', 'styleId'],
    ['STYLE', 'style'],
    ['watercolor', 'watercolour'],
    ['alhpa', 'alpha'],
    ['sise', 'size'],
    ['pony', undefined],
    ['', undefined],
    ['content'.repeat(100_000), undefined],
  ];
  for (const [text, meant] of slips) t.equal(nearest(text, words), meant, text.slice(0, 20));
});

t.test('the nearest of several, and the first of two as near', async (t) => {
  t.equal(nearest('ab-c', ['ab-de', 'ab-d', 'ab-e']), 'ab-d');
  t.equal(nearest('x', []), undefined);
});
