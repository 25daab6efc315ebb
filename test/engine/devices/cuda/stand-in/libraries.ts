/**
 * onnxruntime's own CUDA provider over stand-in.c, for tests of what no GPU is needed for: where
 * nodes are placed, what is copied and allocated, and what becomes of each failure.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch, env, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { neededLibraries } from '../../../../../src/engine/devices/cuda/elf.ts';

const root = fileURLToPath(new URL('../../../../..', import.meta.url));
const source = fileURLToPath(new URL('stand-in.c', import.meta.url));
const runtime = 'node_modules/onnxruntime-node';
const binaries = `${runtime}/bin/napi-v6/linux/x64`;
/** A folder with the provider's libraries of the version of onnxruntime-node. */
const folder = env['ADAIN_TEST_CUDA_PROVIDER'];
const provider = join(folder ?? '', 'libonnxruntime_providers_cuda.so');

/** Why these tests cannot run here; false if they can. */
export function obstacle(): string | false {
  if (platform !== 'linux' || arch !== 'x64') return 'the provider is for linux/x64';
  if (!folder) return 'ADAIN_TEST_CUDA_PROVIDER names no folder with the CUDA provider';
  if (!existsSync(provider)) return `ADAIN_TEST_CUDA_PROVIDER: there is no ${provider}`;
  const missing = ['gcc', 'nm', 'strings'].find((tool) => spawnSync(tool, ['--version']).error);
  return missing ? `${missing} is not installed` : false;
}

/** Builds the libraries that the provider needs into `into`. @returns a folder for LD_LIBRARY_PATH */
export function buildLibraries(into: string, { cudnn }: { cudnn: boolean }): string {
  const library = join(into, 'stand-in.so'); // all of them
  if (!existsSync(library)) buildLibrary(into, library);
  const libraries = join(into, cudnn ? 'libraries' : 'libraries-without-cudnn');
  mkdirSync(libraries);
  const names = neededLibraries(provider).filter((name) => name.startsWith('libcu'));
  if (cudnn) names.push('libcudnn.so.9');
  for (const name of names) symlinkSync(library, join(libraries, name));
  return libraries;
}

function buildLibrary(into: string, library: string): void {
  const [rest, map] = [join(into, 'rest.c'), join(into, 'map')];

  // U cudaMalloc@libcudart.so.13
  const imports = outputOf('nm', '-D', '--undefined-only', provider).matchAll(/(\w+)@(libcu\S+)/g);
  const versions = new Map<string, string[]>();
  for (const [, symbol = '', library = ''] of imports) {
    versions.set(library, [...(versions.get(library) ?? []), symbol]);
  }
  const lookedUp = outputOf('strings', '-n', '8', provider).match(/^cudnn\w+$/gm) ?? [];
  const symbols = new Set([...versions.values(), lookedUp].flat());
  writeFileSync(
    rest,
    [...symbols].map((name) => `__attribute__((weak)) int ${name}(void) { return 0; }\n`).join(''),
  );
  writeFileSync(
    map,
    [...versions].map(([name, all]) => `${name} { global: ${all.join('; ')}; };\n`).join(''),
  );

  const options = ['-shared', '-fPIC', '-w', `-Wl,--version-script=${map}`, '-o', library];
  outputOf('gcc', ...options, source, rest, '-lpthread');
}

/**
 * Lays out the built service in `into` with the provider beside onnxruntime, which looks for it
 * nowhere else. @returns what to run
 */
export function layOutService(into: string): string {
  const service = join(into, 'service');
  mkdirSync(join(service, binaries), { recursive: true });
  for (const name of ['dist', 'package.json', `${runtime}/package.json`, `${runtime}/dist`]) {
    cpSync(join(root, name), join(service, name), { recursive: true });
  }
  // Copies, since Node and the loader look beside what a link leads to.
  cpSync(join(root, binaries), join(service, binaries), { recursive: true });
  for (const name of ['cuda', 'shared']) {
    const file = `libonnxruntime_providers_${name}.so`;
    if (!existsSync(join(service, binaries, file))) {
      symlinkSync(join(folder ?? '', file), join(service, binaries, file));
    }
  }
  symlinkSync(join(root, 'models'), join(service, 'models'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === 'onnxruntime-node') continue;
    symlinkSync(join(root, 'node_modules', name), join(service, 'node_modules', name));
  }
  return join(service, 'dist/server.js');
}

function outputOf(command: string, ...options: string[]): string {
  return execFileSync(command, options, { encoding: 'utf8', maxBuffer: 2 ** 30 });
}
