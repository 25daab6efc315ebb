/** Node, started for a test with no more than the test needs. */
import { buildSync } from 'esbuild';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A command that starts Node without what tap has every process below it load: a recorder of what runs, for the
 * coverage, which takes each process and each of its threads half a second of CPU. tap puts it into
 * NODE_OPTIONS whatever environment a test gives, so that `env` takes it out again.
 */
export function plainNode(args: readonly string[], options = ''): [file: string, args: string[]] {
  return ['env', [`NODE_OPTIONS=${options}`, process.execPath, ...args]];
}

/**
 * A script as one file of JavaScript with all that it imports of the repository: to load it as it is, through
 * tsx, takes a process half a second of CPU.
 */
export function bundle(script: URL): string {
  const name = basename(script.pathname, '.ts');
  // As deep as src, from where it looks for what stands beside it.
  const outfile = fileURLToPath(new URL(`../../.tap/${name}.mjs`, import.meta.url));
  const packages = { platform: 'node', format: 'esm', packages: 'external' } as const;
  buildSync({ entryPoints: [fileURLToPath(script)], outfile, bundle: true, ...packages });
  return outfile;
}
