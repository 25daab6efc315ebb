import { median } from './measure.ts';
import { photograph, requestFor } from './pictures.ts';
import type { Bench, Options, Report, Row } from './report.ts';
import { withServer } from './server.ts';

const mebibyte = 2 ** 20;

/** Every size gets a server of its own: its peak is that of this one request, start included. */
export const large: Bench = {
  name: 'large',
  summary:
    'Pictures of many megapixels over HTTP, in one pass (strokes=1) and as they are painted by default: time per megapixel and peak memory, against the smallest of them.',
  async run({ megapixels }: Options): Promise<Report> {
    const rows: Row[] = [];
    const first = new Map<string, number>();
    for (const [size, strokes] of megapixels.flatMap((size) =>
      ['1', 'auto'].map((strokes) => [size, strokes] as const),
    )) {
      const side = Math.round(Math.sqrt(size * 1e6));
      const content = await photograph(side);
      const form = await requestFor(content, undefined, strokes);
      const repeats = size <= 4 ? 3 : 1;
      const environment = {
        ADAIN_MAX_PIXELS: String(2 ** 28),
        ADAIN_MAX_UPLOAD_BYTES: String(2 ** 30),
        ADAIN_REQUEST_TIMEOUT_MS: '1800000',
      };
      const { times, started, peak } = await withServer(environment, async (server) => {
        const started = (await server.memory()).peak;
        const times: number[] = [];
        while (times.length < repeats) times.push((await server.client.stylize(form)).ms);
        return { times, started, peak: (await server.memory()).peak };
      });
      const perMegapixel = median(times) / 1000 / size;
      first.set(strokes, first.get(strokes) ?? perMegapixel);
      rows.push({
        ...{ megapixels: size, strokes },
        'upload, MiB': content.length / mebibyte,
        seconds: median(times) / 1000,
        's per megapixel': perMegapixel,
        'over the first': perMegapixel / (first.get(strokes) ?? NaN),
        'peak at start, MiB': started / mebibyte,
        'peak, MiB': peak / mebibyte,
      });
    }
    return { tables: [{ title: 'JPEG in, JPEG out', rows }] };
  },
};
