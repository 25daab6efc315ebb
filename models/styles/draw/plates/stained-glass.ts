import { brighten, mix, ramp, type Rgb, vary } from '../kit/color.ts';
import { fraction, type Point, smoothstep } from '../kit/math.ts';
import { fractal, hash, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import { borderDistance, neighbourhood } from '../kit/voronoi.ts';
import type { Plate } from '../plate.ts';

const glass = {
  amber: ramp('#7a3000', '#f59a10', '#ffe27a'),
  ruby: ramp('#4a0208', '#d8182a', '#ff7a66'),
  cobalt: ramp('#04145a', '#1440d4', '#6fa8ff'),
  emerald: ramp('#02401e', '#12a05c', '#8bf0a0'),
  violet: ramp('#2a0a52', '#8a3fd0', '#d79bff'),
  sky: ramp('#0a5a86', '#38bae4', '#d2fbff'),
  clear: ramp('#8fb0c8', '#e2f2f6', '#ffffff'),
};
type Glass = keyof typeof glass;

/** A rose window: rings of panes from the middle out; beyond them the corners' lights. */
const rings: readonly { radius: number; panes: number; colors: readonly Glass[] }[] = [
  { radius: 0, panes: 1, colors: ['amber'] },
  { radius: 54, panes: 8, colors: ['ruby', 'clear'] },
  { radius: 108, panes: 12, colors: ['cobalt', 'sky', 'amber'] },
  { radius: 162, panes: 20, colors: ['clear', 'ruby', 'cobalt', 'amber', 'sky'] },
  { radius: 218, panes: 24, colors: ['cobalt', 'amber', 'sky', 'emerald'] },
  { radius: 276, panes: 30, colors: ['ruby', 'clear', 'cobalt', 'sky', 'amber'] },
  { radius: 336, panes: 32, colors: ['violet', 'sky', 'cobalt', 'clear'] },
  { radius: 396, panes: 32, colors: ['cobalt'] },
];

function leadedPanes(random: Random): { seeds: Point[]; colors: Glass[] } {
  const seeds: Point[] = [];
  const colors: Glass[] = [];
  rings.forEach((ring, r) => {
    for (let pane = 0; pane < ring.panes; pane++) {
      const turn = (2 * Math.PI * (pane + (r % 2) / 2)) / ring.panes;
      const radius = ring.radius + random.between(-7, 7);
      seeds.push([256 + radius * Math.cos(turn), 256 + radius * Math.sin(turn)]);
      colors.push(ring.colors[pane % ring.colors.length] ?? 'cobalt');
    }
  });
  return { seeds, colors };
}

export const stainedGlass: Plate = {
  id: 'stained-glass',
  name: 'Stained glass',
  description:
    'Panes of ruby, cobalt and amber with daylight behind them, held by thick black leads.',
  width: 512,
  height: 512,
  draw(canvas) {
    const { seeds, colors } = leadedPanes(new Random(1194));
    const find = neighbourhood(seeds, 90);
    canvas.wash((x, y): Rgb => {
      const bentX = x + 3 * noise(x / 40, y / 40, 1);
      const bentY = y + 3 * noise(x / 40, y / 40, 2);
      const nearby = find(bentX, bentY);
      const border = borderDistance(bentX, bentY, seeds, nearby);
      const pane = nearby.nearest;
      const tilt = hash(pane, 1, 5) * 2 * Math.PI;
      const [cx, cy] = seeds[pane] ?? [0, 0];
      const slope = ((x - cx) * Math.cos(tilt) + (y - cy) * Math.sin(tilt)) / 60;
      const streaks = noise(x / 5 + 9 * noise(y / 30, pane, 3), y / 38, pane + 40);
      const daylight =
        0.5 +
        0.2 * slope +
        0.16 * streaks +
        0.12 * fractal(x / 14, y / 14, 8) +
        0.3 * (hash(pane, 2, 5) - 0.5);
      const seeded = smoothstep(0.72, 0.8, noise(x / 3.2, y / 3.2, 77));
      const tint = glass[colors[pane] ?? 'cobalt'](
        daylight * smoothstep(-4, 14, border) + 0.22 * seeded,
      );
      const lit = vary(tint, 0, 1.08, 0.25 * (hash(pane, 3, 5) - 0.5));
      const lead = 3.4 + 0.8 * noise(x / 25, y / 25, 6);
      const round =
        0.05 + 0.3 * smoothstep(lead, 0, border) * fraction(0.5 + 0.2 * noise(x / 4, y / 4, 9));
      return mix(
        brighten([0.1, 0.1, 0.12], 0.4 + 2 * round),
        lit,
        smoothstep(lead, lead + 1, border),
      );
    });
  },
};
