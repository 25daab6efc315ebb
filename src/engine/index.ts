/** The engine's face: others import nothing behind it. */
export { usableCores } from './devices/cores.ts';
export { thisHost } from './devices/cuda/host.ts';
export type { CudaHost, Gpu } from './devices/cuda/host.ts';
export { obstacleOf, preflight } from './devices/cuda/preflight.ts';
export type { Check } from './devices/cuda/preflight.ts';
export { devicePattern, parseDevices } from './devices/parse-devices.ts';
export { createEngine, longestStartMs } from './engine.ts';
export type { EngineLog, EngineOptions, EngineSeams } from './engine.ts';
export { loadModel } from './model/model.ts';
export { colorModes, maxStyles, providers } from './types.ts';
export type * from './types.ts';
