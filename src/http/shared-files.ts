import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

import { onEnd } from './on-end.ts';

/**
 * Reads files for answers: each is in memory once, however many clients are being sent it, since one
 * connection can ask for it a thousand times without reading.
 */
export function createSharedFiles(): (path: string, response: ServerResponse) => Promise<Buffer> {
  const sent = new Map<string, { readonly bytes: Promise<Buffer>; answers: number }>();
  return (path, response) => {
    const file = sent.get(path) ?? { bytes: readFile(path), answers: 0 };
    sent.set(path, file);
    file.answers++;
    onEnd(response, () => {
      file.answers--;
      if (file.answers === 0) sent.delete(path);
    });
    return file.bytes;
  };
}
