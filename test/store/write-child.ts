/** Writes the same three ids as others do, 200 times, in every way. */
import { createFolderStore } from '../../src/store/folder.ts';
import { image, statistics, storeOptions, style } from './helpers.ts';

const [folder = '', seed = ''] = process.argv.slice(2);
const store = createFolderStore(folder, storeOptions({ maxStyles: 3 }));
for (let i = 0; i < 200; i++) {
  const id = ['a', 'b', 'c'][(i + Number(seed)) % 3] ?? '';
  const byte = (i * 2 + Number(seed)) % 256;
  const made = { ...style(id, String(byte), 20_000 + i), name: String(byte) };
  await store.putStyle(made, statistics(byte), image(byte, 20_000 + i));
  if (i % 5 === 0) await store.setTexts(id, { name: '0' });
  if (i % 7 === 0) await store.deleteStyle(id);
}
await store.close();
