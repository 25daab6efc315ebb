import type { Config } from './config.ts';
import { thisHost, type CudaHost } from './engine/cuda/host.ts';
import { obstacleOf, preflight, type Check } from './engine/cuda/preflight.ts';
import { parseDevices } from './engine/devices.ts';
import { createEngine } from './engine/index.ts';
import { engineOptions } from './studio.ts';

/**
 * What the service would run on, tried out: all that CUDA needs, then an inference.
 * @returns a report to read, and whether the service would start
 */
export async function examine(
  config: Config,
  host: CudaHost = thisHost(),
): Promise<{ report: string; healthy: boolean }> {
  const device = config.ADAIN_DEVICE;
  const checks = device === 'cpu' ? [] : preflight(ordinals(device), host);
  const hopeless = device !== 'auto' && obstacleOf(checks) !== undefined;
  const { check, verdict } = hopeless
    ? { check: [], verdict: refusal(device) }
    : await tryInference(config, host);
  const lines = [...checks, ...check].map(line);
  const report = [`ADAIN_DEVICE is ${device}`, ...lines, verdict, ''].join('\n');
  return { report, healthy: verdict !== refusal(device) };
}

const refusal = (device: string) => `With ADAIN_DEVICE=${device} the service does not start.`;

const marks = { pass: 'pass   ', fail: 'FAIL   ', unknown: 'unknown' };

function ordinals(device: string): number[] {
  const placements = parseDevices(device === 'auto' ? 'cuda' : device, 1);
  return placements.map(({ ordinal }) => ordinal);
}

function line({ state, name, detail, remedy }: Check): string {
  const text = `  ${marks[state]}  ${name.padEnd(14)}  ${detail}`;
  return remedy ? `${text}\n${' '.repeat(27)}${remedy}` : text;
}

/** Starts the engine, which is up when it has made a real inference, and ends it. */
async function tryInference(
  config: Config,
  host: CudaHost,
): Promise<{ check: Check[]; verdict: string }> {
  const device = config.ADAIN_DEVICE;
  const name = 'inference';
  try {
    const engine = await createEngine(engineOptions(config), { host });
    await engine.close();
    const [detail = ''] = engine.description.split(' (no GPU'); // the checks say why
    const where = engine.provider === 'cuda' ? 'the GPU' : 'the CPU';
    const verdict = `With ADAIN_DEVICE=${device} the service runs on ${where}.`;
    return { check: [{ name, state: 'pass', detail }], verdict };
  } catch (error) {
    const detail = (error as Error).message;
    return { check: [{ name, state: 'fail', detail }], verdict: refusal(device) };
  }
}
