import type { FastifyReply, FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { createSharedFiles } from '../http/shared-files.ts';
import { openThumbnail, thumbnail } from '../imaging/thumbnail.ts';
import type { Preset } from '../stylization/catalog.ts';
import { openCounted, readCounted, takeMemory } from '../stylization/counted-file.ts';
import { sha256 } from '../stylization/described-file.ts';
import type { KnownStyle } from '../stylization/library.ts';
import { type CountedWork, type StylesOptions, workFor } from './style-requests.ts';

/** A picture that was read, to be made small or released at once. */
export interface Small {
  /** Of what was read: a preset's file may have been replaced since it was described. */
  readonly version: string;
  readonly make: () => Promise<Buffer>;
  /** Gives its memory back, as `make` does. */
  readonly release: () => void;
}

/**
 * Reads pictures of styles for answers. Those of the operator and of users are counted for as long as
 * the client reads: one connection can ask for all of them. Those that ship are few and small, and
 * each is in memory once.
 */
export function createStylePictures(stylizer: StylesOptions['stylizer']) {
  const readShipped = createSharedFiles();

  async function read(reply: FastifyReply, found: KnownStyle, work: CountedWork) {
    if (found.kind === 'preset') {
      const { path, isOwn } = found.style;
      if (!isOwn) return readShipped(path, reply.raw);
      return work.settle(unlessGone(found.style, readCounted(path, work)));
    }
    if (found.kind === 'upload' || !found.style.picture) {
      const text = `The style ${found.style.id} has no picture: only its statistics are known.`;
      throw new ServiceError('not_found', text);
    }
    await takeMemory(found.style.picture.bytes, work);
    const bytes = await stylizer().library.image(found.style);
    if (!bytes) work.memory.release(); // who looks again takes it for what is there then
    return bytes;
  }

  return {
    /**
     * Throws `unknown_style`, `not_found` or `too_many_pixels` where it cannot be had.
     * @returns undefined for a registered style that was replaced or deleted since it was found
     */
    async whole(request: FastifyRequest, reply: FastifyReply, found: KnownStyle) {
      return read(reply, found, workFor(request, reply, stylizer().memory));
    },

    /** Reads what a thumbnail is made of; rejects, or resolves with undefined, as `whole` does. */
    async openSmall(
      request: FastifyRequest,
      reply: FastifyReply,
      found: KnownStyle,
    ): Promise<Small | undefined> {
      const work = workFor(request, reply, stylizer().memory);
      const { release } = work.memory;
      // The thumbnail is kept whatever becomes of the answer, which needs no more than that.
      const small = (version: string, make: () => Promise<Buffer>): Small => {
        work.signal.throwIfAborted(); // then its memory was given back
        return { version, make: () => work.settle(make().finally(release)), release };
      };
      if (found.kind !== 'preset' || !found.style.isOwn) {
        const bytes = await read(reply, found, work);
        return bytes && small(versionOf(found), () => thumbnail(bytes));
      }
      const { path } = found.style;
      const open = async (bytes: Buffer) => ({ ...(await openThumbnail(bytes)), bytes });
      const opening = unlessGone(found.style, openCounted(path, open, work));
      const { make, bytes } = await work.settle(opening);
      return small(sha256(bytes), make);
    },
  };
}

/** Of the picture that is known of a style. */
export const versionOf = ({ kind, style }: KnownStyle): string =>
  kind === 'preset' ? style.digest : kind === 'registered' ? style.version : '';

/** A file that was removed is a style that was, though the folder was not looked through since. */
function unlessGone<T>({ id }: Preset, reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const text = `The style ${id} has just been removed. GET /styles lists those that last.`;
    throw new ServiceError('unknown_style', text, { field: 'id' });
  });
}
