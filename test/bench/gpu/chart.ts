/**
 * `… chart.ts "one worker=out1/bench.json" "four workers=out2/bench.json" > chart.svg`: pictures a second over
 * HTTP, as a chart; a bar for every run and side.
 */
import { readFile } from 'node:fs/promises';

import type { Report } from '../report.ts';

const [bar, gap, between, left, widest] = [22, 6, 24, 110, 430];
const colours = ['#8aa5c9', '#2f6fb7', '#123f73'];

interface Run {
  readonly label: string;
  /** Pictures a second by side. */
  readonly rates: ReadonlyMap<string, number>;
}

async function readRun(argument: string): Promise<Run> {
  const [label = '', path = ''] = argument.split('=');
  const { reports } = JSON.parse(await readFile(path, 'utf8')) as {
    reports: Record<string, Report>;
  };
  const tables = reports['gpu']?.tables ?? [];
  const rows = tables.find(({ title }) => title.startsWith('service: JPEG to JPEG'))?.rows;
  if (!rows) throw new Error(`${path} has no part "service" of npm run bench -- gpu`);
  return {
    label,
    rates: new Map(rows.map((row) => [String(row['side']), Number(row['pictures/s'])])),
  };
}

function draw(runs: readonly Run[]): string {
  const sides = [...(runs[0]?.rates.keys() ?? [])].sort((a, b) => parseInt(a) - parseInt(b));
  const group = runs.length * (bar + gap) + between;
  const longest = Math.max(...runs.flatMap(({ rates }) => [...rates.values()]));
  const scale = widest / longest;
  const [width, height] = [left + widest + 150, sides.length * group];
  const groups = sides.map((side, at) => {
    const bars = runs.map(({ label, rates }, index) => {
      const rate = rates.get(side) ?? 0;
      const y = index * (bar + gap);
      const end = left + scale * rate;
      return [
        `<rect x="${left}" y="${y}" width="${(end - left).toFixed(1)}" height="${bar}" rx="2" fill="${String(colours[index])}"/>`,
        `<text x="${(end + 8).toFixed(1)}" y="${y + 16}">${rate.toFixed(0)} <tspan class="run">${label}</tspan></text>`,
      ].join('');
    });
    const middle = (runs.length * (bar + gap) - gap) / 2 + 5;
    return `<g transform="translate(0 ${at * group + between / 2})"><text x="${left - 12}" y="${middle}" text-anchor="end">${parseInt(side)}×${parseInt(side)}</text>${bars.join('')}</g>`;
  });
  // A viewer may be dark: the text follows it.
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Pictures a second over HTTP">
<style>text { font: 14px system-ui, sans-serif; fill: #222 } .run { fill: #666 } @media (prefers-color-scheme: dark) { text { fill: #ddd } .run { fill: #aaa } }</style>
${groups.join('\n')}
</svg>
`;
}

console.log(draw(await Promise.all(process.argv.slice(2).map(readRun))).trimEnd());
