import sharp from 'sharp';

/**
 * Mean CIE76 colour difference ΔE*ab of two pictures of one size, after a blur of about a pixel so
 * that noise counts less than colour and form. 0 is equal; about 2 is just noticeable.
 */
export async function perceptualDistance(a: Buffer, b: Buffer): Promise<number> {
  const [left, right] = await Promise.all([lab(a), lab(b)]);
  if (left.length !== right.length) throw new Error('the sizes differ');
  let sum = 0;
  for (let i = 0; i < left.length; i += 3) {
    const [l, m, n] = [0, 1, 2].map((k) => (left[i + k] ?? 0) - (right[i + k] ?? 0));
    sum += Math.hypot(l ?? 0, m ?? 0, n ?? 0);
  }
  return (3 * sum) / left.length;
}

/** CIELAB planes interleaved: L* 0..100, a* and b* about -128..127. */
async function lab(bytes: Buffer): Promise<Float32Array> {
  const { data } = await sharp(bytes)
    .removeAlpha()
    .blur(1)
    .pipelineColourspace('lab')
    .toColourspace('lab')
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true });
  return new Float32Array(data.buffer, data.byteOffset, data.length / 4);
}
