import type { Plate } from '../plate.ts';
import { cubist } from './cubist.ts';
import { greatWave } from './great-wave.ts';
import { inkWash } from './ink-wash.ts';
import { marbling } from './marbling.ts';
import { mosaic } from './mosaic.ts';
import { paletteKnife } from './palette-knife.ts';
import { pastel } from './pastel.ts';
import { pointillism } from './pointillism.ts';
import { popDots } from './pop-dots.ts';
import { stainedGlass } from './stained-glass.ts';
import { swirlingNight } from './swirling-night.ts';
import { watercolour } from './watercolour.ts';
import { woodcut } from './woodcut.ts';

/**
 * In the order of the catalog. A style is what the encoder sees on average, so a plate paints well
 * where its marks are of one scale and much of it is plain: plates hatched all over made faces
 * unreadable, and those with a white ground, bold blacks and marks between them do not.
 */
export const plates: readonly Plate[] = [
  swirlingNight,
  paletteKnife,
  pointillism,
  pastel,
  watercolour,
  greatWave,
  woodcut,
  inkWash,
  stainedGlass,
  mosaic,
  marbling,
  cubist,
  popDots,
];
