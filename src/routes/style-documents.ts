import { z } from 'zod';

import type { StoredStyle } from '../store/index.ts';
import type { Preset } from '../stylization/catalog.ts';
import type { KnownStyle } from '../stylization/library.ts';

const kinds = ['preset', 'registered', 'upload'] as const;

/** How the API tells of a style. */
export const styleDocument = z
  .object({
    id: z.string(),
    kind: z
      .enum(kinds)
      .describe(
        'a preset comes with the service, registered is what a user added, an upload came with a form and is known for a time',
      ),
    name: z.string(),
    description: z.string(),
    license: z.string(),
    width: z.int().optional().describe('of its picture, in pixels, where it has one'),
    height: z.int().optional(),
    links: z.object({
      self: z.string(),
      image: z.string().optional(),
      thumbnail: z.string().optional(),
      statistics: z.string(),
    }),
  })
  .meta({ id: 'Style' });

export type StyleDocument = z.output<typeof styleDocument>;

/** @param basePath in front of the path of links */
export function represent({ kind, style }: KnownStyle, basePath: string): StyleDocument {
  const self = `${basePath}/styles/${style.id}`;
  const links = { self, statistics: `${self}/statistics` };
  if (kind === 'upload') {
    const { id } = style;
    return { id, kind, name: id, description: '', license: 'unknown', links };
  }
  const { id, name, description, license } = style;
  const size = kind === 'preset' ? style : style.picture;
  const texts = { id, kind, name, description, license };
  if (!size) return { ...texts, links };
  const { width, height } = size;
  const pictures = { image: `${self}/image`, thumbnail: `${self}/thumbnail` };
  return { ...texts, width, height, links: { ...links, ...pictures } };
}

export const asPreset = (style: Preset): KnownStyle => ({ kind: 'preset', style });
export const asRegistered = (style: StoredStyle): KnownStyle => ({ kind: 'registered', style });
