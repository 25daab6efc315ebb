import type { FastifyReply, FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { createSharedFiles } from '../http/shared-files.ts';
import { openThumbnail, thumbnail } from '../imaging/thumbnail.ts';
import type { Preset } from '../stylization/catalog.ts';
import { openCounted, readCounted, takeMemory } from '../stylization/counted-file.ts';
import type { KnownStyle } from '../stylization/library.ts';
import { type StylesOptions, workFor } from './style-requests.ts';

/**
 * Reads pictures of styles for answers. Those of the operator and of users are counted for as long as
 * the client reads: one connection can ask for all of them. Those that ship are few and small, and
 * each is in memory once.
 */
export function createStylePictures(stylizer: StylesOptions['stylizer']) {
  const readShipped = createSharedFiles();

  /**
   * Throws `unknown_style`, `not_found` or `too_many_pixels` where it cannot be had.
   * @returns undefined for a registered style that was replaced or deleted since it was found
   */
  async function whole(request: FastifyRequest, reply: FastifyReply, found: KnownStyle) {
    if (found.kind === 'preset' && !found.style.isOwn) {
      return readShipped(found.style.path, reply.raw);
    }
    const { library, memory } = stylizer();
    const work = workFor(request, reply, memory);
    if (found.kind === 'preset') {
      return work.settle(unlessGone(found.style, readCounted(found.style.path, work)));
    }
    if (found.kind === 'upload' || !found.style.picture) {
      const text = `The style ${found.style.id} has no picture: only its statistics are known.`;
      throw new ServiceError('not_found', text);
    }
    await takeMemory(found.style.picture.bytes, work);
    const bytes = await library.image(found.style);
    if (!bytes) work.memory.release(); // who looks again takes it for what is there then
    return bytes;
  }

  return {
    whole,

    /**
     * Reads what a thumbnail is made of.
     * @returns what makes it, to be called at once or not at all; undefined as of `whole`
     */
    async openSmall(
      request: FastifyRequest,
      reply: FastifyReply,
      found: KnownStyle,
    ): Promise<(() => Promise<Buffer>) | undefined> {
      if (found.kind !== 'preset' || !found.style.isOwn) {
        const bytes = await whole(request, reply, found);
        return bytes && (() => thumbnail(bytes));
      }
      const { path } = found.style;
      const work = workFor(request, reply, stylizer().memory);
      const opening = unlessGone(found.style, openCounted(path, openThumbnail, work));
      const { make } = await work.settle(opening);
      work.signal.throwIfAborted(); // then its memory was given back
      // The thumbnail is kept whatever becomes of the answer, which needs no more than that.
      return () => work.settle(make().finally(work.memory.release));
    },
  };
}

/** A file that was removed is a style that was, though the folder was not looked through since. */
function unlessGone<T>({ id }: Preset, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const text = `The style ${id} has just been removed. GET /styles lists those that last.`;
    throw new ServiceError('unknown_style', text, { field: 'id' });
  });
}
