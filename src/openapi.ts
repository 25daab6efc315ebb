import { writeFile } from 'node:fs/promises';

import { buildApp } from './app.ts';
import { readConfig } from './config.ts';

// Writes openapi.yaml, the same document that the service serves. A test fails when they part.
const app = await buildApp(readConfig({ LOG_LEVEL: 'warn' }));
await app.ready();
await writeFile(new URL('../openapi.yaml', import.meta.url), app.swagger({ yaml: true }));
await app.close();
