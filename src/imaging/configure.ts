import sharp from 'sharp';

/**
 * Settles what sharp keeps for the whole process; call it once, before the first picture.
 *
 * `threads`: how many threads one picture may use inside libvips, from 1. How many pictures are
 * in work at once is the affair of the pool.
 */
export function configureImaging({ threads }: { threads: number }): void {
  sharp.concurrency(threads);
  // The cache holds operations on files and recent results: no two requests share either.
  sharp.cache(false);
  // Second line of defence behind sniffFormat. The Ultra HDR loader stays blocked: such files are
  // JPEGs with a gain map that we would drop, and the plain JPEG loader reads them.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: [
      'VipsForeignLoadJpeg',
      'VipsForeignLoadPng',
      'VipsForeignLoadWebp',
      'VipsForeignLoadHeif',
      'VipsForeignLoadNsgif',
    ],
  });
}
