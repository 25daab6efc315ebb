/**
 * Checks a model before it is served or committed; exits with 1 when something is wrong.
 * Usage: npm run model:verify [folder]   (no folder: models)
 */
import { fileURLToPath } from 'node:url';
import { verifyModel } from './checks.ts';

const [folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2);
for await (const { name, passed, says } of verifyModel(folder)) {
  console.log(`${passed ? 'pass' : 'FAIL'}  ${name}: ${says}`);
  if (!passed) process.exitCode = 1;
}
