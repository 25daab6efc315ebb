import type { Plate } from '../plate.ts';
import { inkWash } from './ink-wash.ts';
import { marbling } from './marbling.ts';
import { mosaic } from './mosaic.ts';
import { pointillism } from './pointillism.ts';
import { popDots } from './pop-dots.ts';
import { stainedGlass } from './stained-glass.ts';
import { swirlingNight } from './swirling-night.ts';
import { woodcut } from './woodcut.ts';

/** In the order of the catalogue. */
export const plates: readonly Plate[] = [
  swirlingNight,
  stainedGlass,
  woodcut,
  popDots,
  pointillism,
  marbling,
  mosaic,
  inkWash,
];
