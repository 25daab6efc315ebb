import type { Config } from './config.ts';
import {
  createEngine,
  obstacleOf,
  parseDevices,
  preflight,
  thisHost,
  type Check,
  type CudaHost,
} from './engine/index.ts';
import { engineOptions } from './stylizer.ts';

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
  const failed = device !== 'auto' && obstacleOf(checks) !== undefined;
  const { check, place } = failed ? { check: [] } : await tryInference(config, host);
  // Nobody asked for a GPU: that there is none is no failure.
  const gpu = checks.map((one) => line(one, device === 'auto' ? { fail: 'no GPU ' } : {}));
  const lines = [...gpu, ...check.map((one) => line(one))];
  const does = place ? `runs on ${place}` : 'does not start';
  const verdict = `With ADAIN_DEVICE=${device} the service ${does}.`;
  const report = [`ADAIN_DEVICE is ${device}`, ...lines, verdict, ''].join('\n');
  return { report, healthy: place !== undefined };
}

const marks = { pass: 'pass   ', fail: 'FAIL   ', unknown: 'unknown' };

function ordinals(device: string): number[] {
  const placements = parseDevices(device === 'auto' ? 'cuda' : device, 1);
  return placements.map(({ ordinal }) => ordinal);
}

function line({ state, name, detail, remedy }: Check, own: Partial<typeof marks> = {}): string {
  const text = `  ${own[state] ?? marks[state]}  ${name.padEnd(14)}  ${detail}`;
  return remedy ? `${text}\n${' '.repeat(27)}${remedy}` : text;
}

/** Starts the engine, which is up when it has made a real inference, and ends it. */
async function tryInference(
  config: Config,
  host: CudaHost,
): Promise<{ check: Check[]; place?: string }> {
  const name = 'inference';
  try {
    const engine = await createEngine(engineOptions(config), { host });
    await engine.close();
    const [detail = ''] = engine.description.split(' (no GPU'); // the checks say why
    const place = engine.provider === 'cuda' ? 'the GPU' : 'the CPU';
    return { check: [{ name, state: 'pass', detail }], place };
  } catch (error) {
    const detail = (error as Error).message;
    return { check: [{ name, state: 'fail', detail }] };
  }
}
