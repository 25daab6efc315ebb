/**
 * Makes what tap has recorded fit for c8, which reports on it (`npm run coverage`, .c8rc.json): the
 * source maps of tsx say `sourcesContent: [null]`, and c8 silently leaves out a file whose map does.
 * Without the list it reads the file.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

interface Recorded {
  'source-map-cache': Record<string, { data?: { sourcesContent?: unknown[] } }>;
}

const folder = new URL('../.tap/coverage/', import.meta.url);
for (const name of readdirSync(folder)) {
  const file = new URL(name, folder);
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  for (const { data } of Object.values(recorded['source-map-cache'])) {
    if (data?.sourcesContent?.includes(null)) delete data.sourcesContent;
  }
  writeFileSync(file, JSON.stringify(recorded));
}
