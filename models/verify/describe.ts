/**
 * Describes the shipped presets for a start that need not: npm run styles:describe [folder]. To be
 * run when the model or the plates have changed; npm run model:verify tells when that was forgotten.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createExecutor } from '../../src/engine/inference/executor.ts';
import { loadModel } from '../../src/engine/model/model.ts';
import { describedFile } from '../../src/stylization/described-file.ts';
import { shippedFile } from '../../src/stylization/presets.ts';
import { cpu, layoutFor } from './checks.ts';
import { describedBy, describePresets } from './presets.ts';

const [folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2);
const styles = join(folder, 'styles');
const model = await loadModel(folder);
const executor = await createExecutor(model, cpu, layoutFor(model));
const described = await describePresets(model, executor, styles);
await executor.release();
await writeFile(join(styles, shippedFile), describedFile(describedBy(model), described));
console.log(`${described.length} presets described by ${model.info.name} ${model.info.version}`);
