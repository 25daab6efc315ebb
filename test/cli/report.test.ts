import { PassThrough } from 'node:stream';
import t from 'tap';

import { drawBar, duration } from '../../src/cli/bar.ts';
import { createReport, waitingWords } from '../../src/cli/report.ts';

const state = { total: 40, done: 10, failed: 0, painted: 10, elapsedMs: 5000 };

t.test('the bar: how many, how fast, how long it takes yet', async (t) => {
  t.equal(
    drawBar(state, 80),
    '━━━━━━━━━━────────────────────────────── 10 of 40 · 2.0 a second · 15 s left',
  );
  t.match(
    drawBar({ ...state, done: 20 }, 80),
    '20 of 40 · 2.0 a second · 10 s left',
    'half were done before',
  );
  t.match(drawBar({ ...state, painted: 1, elapsedMs: 60_000 }, 80), '1.0 a minute · 30 min left');
  t.match(drawBar({ ...state, painted: 0 }, 80), /─ 10 of 40$/, 'nothing is known yet');
  t.match(drawBar({ ...state, failed: 3, waiting: 'no answer' }, 120), / · 3 failed · no answer$/);
  for (const columns of [5, 20, 40, 80]) t.ok(drawBar(state, columns).length < columns);
  t.equal(drawBar(state, 40), '10 of 40 · 2.0 a second · 15 s left', 'no room for the bar');
  t.match(drawBar({ ...state, total: 0, done: 0, painted: 0 }, 80), '0 of 0');
});

t.test('times are said as people say them', async (t) => {
  t.same([0.2, 89, 90, 5000, 5400, 36_660].map(duration), [
    ...['1 s', '89 s', '2 min', '83 min', '1 h 30 min', '10 h 11 min'],
  ]);
});

t.test('what is waited for', async (t) => {
  const waiting = { phase: 'waiting', seconds: 1.2 } as const;
  t.equal(waitingWords(waiting), 'no answer, again in 2 s');
  const problem = { status: 503, title: 'Overloaded', detail: '' };
  t.equal(waitingWords({ ...waiting, problem }), 'Overloaded, again in 2 s');
  t.equal(
    waitingWords({ ...waiting, problem: { ...problem, code: 'not_ready' } }),
    'not ready, again in 2 s',
  );
});

/** A stream, a terminal or not, and what was written to it. */
function terminal(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  const text = () => String((stream.read() as Buffer | null) ?? '').replaceAll('\r\x1b[K', '|');
  return { stream, text };
}
const painted = { status: 'painted', input: 'a.jpg', output: 'out/a.jpg', ms: 3 } as const;
const failed = {
  status: 'failed',
  input: 'b\x1b.jpg',
  code: 'x',
  detail: 'It is broken.',
} as const;

t.test('on a terminal a bar, and no JSON in between', async (t) => {
  const [stdout, stderr] = [terminal(true), terminal(true)];
  const report = createReport(3, stdout.stream, stderr.stream);
  report.begin();
  report.waitFor('no \x1b answer, again in 2 s');
  await new Promise((resolve) => setTimeout(resolve, 250));
  t.match(stderr.text(), /\|.*0 of 3 · no \\u001b answer, again in 2 s/);
  report.tell(painted);
  report.tell(failed);
  await new Promise((resolve) => setTimeout(resolve, 250));
  t.match(stderr.text(), /^\|b\\u001b\.jpg: It is broken\.\n(?!.*answer)\|.*2 of 3.*1 failed/);
  report.end('Stopped.');
  t.match(stderr.text(), /\|1 painted in \d+ s, 1 failed\. Stopped\.\n$/);
  t.equal(stdout.text(), '');
});

t.test('elsewhere lines of JSON, and no bar', async (t) => {
  const [stdout, stderr] = [terminal(false), terminal(false)];
  const report = createReport(2, stdout.stream, stderr.stream);
  report.tell(painted);
  report.tell(failed);
  report.end();
  t.same(
    stdout
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    [
      { ...painted, done: 1, total: 2 },
      { ...failed, done: 2, total: 2 },
    ],
  );
  t.match(stderr.text(), /^b\\u001b\.jpg: It is broken\.\n1 painted in \d+ s, 1 failed\.\n$/);
  t.equal(report.failed(), 1);
});
