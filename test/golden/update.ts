import { writeFile } from 'node:fs/promises';

import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { goldenFile, goldenPictures, paint } from './pictures.ts';

// Paints the golden pictures anew: npm run golden. For a new model; look at them before you commit.
const app = await buildApp(readConfig({ LOG_LEVEL: 'warn' }));
await app.warmUp();
for (const [name, fields] of Object.entries(goldenPictures)) {
  await writeFile(goldenFile(name), await paint(app, fields));
}
await app.close();
