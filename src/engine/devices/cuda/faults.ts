/** What onnxruntime says of a GPU's troubles, in words that tell what to do. */

interface Fault {
  readonly sign: RegExp;
  readonly what: string;
  readonly remedy: string;
}

/** Of cudaError_t. The runtime names a failed call by the number, a failed kernel by the name. */
const names: Readonly<Record<number, string>> = {
  2: 'MemoryAllocation',
  35: 'InsufficientDriver',
  46: 'DevicesUnavailable',
  98: 'InvalidDeviceFunction',
  100: 'NoDevice',
  101: 'InvalidDevice',
  209: 'NoKernelImageForDevice',
  214: 'ECCUncorrectable',
  700: 'IllegalAddress',
  702: 'LaunchTimeout',
  709: 'ContextIsDestroyed',
  710: 'Assert',
  714: 'HardwareStackError',
  715: 'IllegalInstruction',
  716: 'MisalignedAddress',
  717: 'InvalidAddressSpace',
  718: 'InvalidPc',
  719: 'LaunchFailure',
  802: 'SystemNotReady',
  803: 'SystemDriverMismatch',
};
const failure = (...codes: number[]) =>
  new RegExp(
    `CUDA (?:failure (?:${codes.join('|')})|error cudaError(?:${codes.map((code) => names[code]).join('|')}))\\b`,
  );
/** Errors after which the context of the whole process is gone. */
const deviceLost = failure(214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719);

/** The first sign that fits counts. */
const faults: readonly Fault[] = [
  {
    sign: /cuDNN is unavailable/,
    what: 'cuDNN cannot be loaded',
    remedy: 'install cuDNN 9, or name its folder in LD_LIBRARY_PATH',
  },
  {
    sign: new RegExp(
      `Failed to allocate memory for requested buffer|${failure(2).source}|CUDNN_STATUS_ALLOC_FAILED`,
    ),
    what: 'the GPU is out of memory',
    remedy: 'lower ADAIN_TILE_PIXELS or ADAIN_MAX_BATCH, or end what else uses the GPU',
  },
  {
    sign: failure(35),
    what: 'the NVIDIA driver is older than the CUDA libraries',
    remedy: 'update the driver of the host',
  },
  {
    sign: failure(100),
    what: 'there is no GPU',
    remedy: 'give the process one: docker run --gpus all, nvidia.com/gpu in Kubernetes',
  },
  {
    sign: failure(101),
    what: 'there is no GPU with that number',
    remedy: 'choose another in ADAIN_DEVICE',
  },
  {
    sign: failure(46),
    what: 'the GPU is busy or in exclusive mode',
    remedy: 'end what else uses it, or set its compute mode to default',
  },
  {
    sign: failure(98, 209),
    what: "the provider has no code for this GPU's architecture",
    remedy: 'use another GPU, or a provider that was built for this one',
  },
  {
    sign: failure(802, 803),
    what: 'the driver and its libraries do not belong together',
    remedy: 'restart the host or the container after a driver update',
  },
  {
    sign: deviceLost,
    what: 'the GPU failed',
    remedy: 'restart the service: this process cannot use the GPU any more; dmesg has the Xid',
  },
  {
    sign: /CUDNN(?:_FE)? failure \d+/,
    what: 'cuDNN failed',
    remedy: 'its own words are on stderr; cuDNN must be of the version that the provider wants',
  },
  {
    sign: /fallback to CPU EP has been explicitly disabled/,
    what: 'some node of the graph cannot run on the GPU',
    remedy: 'export the model with operators that the CUDA provider has',
  },
];

/** The runtime's message, with what it means and the remedy before it where that is known. */
export function explainFault(message: string): string {
  const words = message.trim().replaceAll(/\s+/g, ' ');
  for (const { sign, what, remedy } of faults) {
    const found = sign.exec(words);
    if (found) return `${what}: ${remedy} (onnxruntime: ${words.slice(found.index)})`;
  }
  return words;
}

/** True after errors that CUDA keeps for the rest of the process: a new thread meets them again. */
export function isDeviceLost(message: string): boolean {
  return deviceLost.test(message);
}
