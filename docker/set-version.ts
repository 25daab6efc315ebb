/**
 * One version for package, image, manifests and API: `npm run version:set 1.2.3` writes it wherever
 * it stands. What has changed is for CHANGELOG.md to say, in words; a test fails until it does.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the version stands: the text before it in each file, and how often it is there. */
export const places: readonly (readonly [file: string, before: RegExp, times: number])[] = [
  ['package.json', /^ {2}"version": "/, 1],
  ['package-lock.json', /"name": "adain-server",\n +"version": "/, 2],
  ['Dockerfile', /org\.opencontainers\.image\.version="/, 2],
  ['docker/compose.yaml', / image: adain-server:/, 1],
  ['docker/compose.gpu.yaml', / image: adain-server:/, 1],
  ['docker/kubernetes/job/kustomization.yaml', /\/adain-server, newTag: /, 1],
  ['docker/kubernetes/overlays/cpu/kustomization.yaml', /\/adain-server, newTag: /, 1],
  ['docker/kubernetes/overlays/gpu/kustomization.yaml', /\/adain-server, newTag: /, 1],
  ['openapi.yaml', /^info:\n {2}title: .*\n {2}version: /, 1],
];

/** Writes the version everywhere below `root`. @throws Error that names the file that lacks it. */
export function setVersion(root: string, version: string): void {
  if (!/^\d+\.\d+\.\d+$/.test(version))
    throw new Error(`"${version}" is no version: give one like 1.2.3`);
  const written = places.map(([file, before, times]) => {
    const path = join(root, file);
    let found = 0;
    const pattern = new RegExp(`(?<=${before.source})\\d+\\.\\d+\\.\\d+`, 'gm');
    const text = readFileSync(path, 'utf8').replace(pattern, () => {
      found++;
      return version;
    });
    if (found !== times) throw new Error(`${file} has the version ${found} times, not ${times}`);
    return [path, text] as const;
  });
  for (const [path, text] of written) writeFileSync(path, text);
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) setVersion(join(here, '../..'), process.argv[2] ?? '');
