import t from 'tap';
import { explainFault, isDeviceLost } from '../../../../src/engine/devices/cuda/faults.ts';
import { words } from './words.ts';

t.test("the runtime's words get a meaning, a remedy, and are kept from where they matter", (t) => {
  t.equal(
    explainFault(words.outOfMemory),
    'the GPU is out of memory: lower ADAIN_TILE_PIXELS or ADAIN_MAX_BATCH, or end what else uses the GPU (onnxruntime: Failed to allocate memory for requested buffer of size 2560)',
  );
  t.match(explainFault(words.noCudnn), /^cuDNN cannot be loaded: install cuDNN 9.*libcudnn\.so/);
  t.match(
    explainFault(words.noDevice),
    /^there is no GPU: .*--gpus all.*runtime: CUDA failure 100/,
  );
  t.match(explainFault(words.noSuchDevice), /^there is no GPU with that number: .*ADAIN_DEVICE/);
  t.match(explainFault(words.launchFailed), /^the GPU failed: restart the service/);
  t.match(
    explainFault(words.kernelFailed),
    /^the GPU failed: .*runtime: CUDA error cudaErrorLaunch/,
  );
  t.match(explainFault(words.cudnnFailed), /^cuDNN failed: .*stderr/);
  t.match(explainFault(words.onCpu), /^some node of the graph cannot run on the GPU/);
  t.match(explainFault('CUDA failure 803: x'), /^the driver and its libraries do not belong/);
  t.equal(explainFault('CUDA failure 7000: x\n'), 'CUDA failure 7000: x', 'unknown: as it is');
  t.end();
});

t.test('some errors last as long as the process', (t) => {
  t.ok(isDeviceLost(words.launchFailed));
  t.ok(isDeviceLost(words.kernelFailed));
  for (const text of [words.outOfMemory, words.noCudnn, words.noDevice, words.cudnnFailed])
    t.notOk(isDeviceLost(text));
  t.end();
});
