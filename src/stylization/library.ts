import { createHash } from 'node:crypto';

import type { Engine, StyleStatistics } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { printable } from '../printable.ts';
import type { RgbImage } from '../rgb-image.ts';
import {
  fromBytes,
  toBytes,
  type GuardedStore,
  type StoredStyle,
  type Texts,
} from '../store/index.ts';
import { styleIdPattern, type Preset } from './catalog.ts';
import { readKept, type KeptLimits, type Work } from './kept-picture.ts';
import type { Presets } from './presets.ts';
import { isPictureId, type StyleLookup } from './style-lookup.ts';
import type { Styles } from './styles.ts';

export type { Work };

/** A style by where it comes from; an upload is known by its statistics alone. */
export type KnownStyle =
  | { readonly kind: 'preset'; readonly style: Preset }
  | { readonly kind: 'registered'; readonly style: StoredStyle }
  | { readonly kind: 'upload'; readonly style: { readonly id: string } };

export interface Registered {
  readonly style: StoredStyle;
  readonly isNew: boolean;
}

export interface Page {
  readonly styles: readonly StoredStyle[];
  /** The id behind which the next page begins, if there is one. */
  readonly last: string | undefined;
}

export interface LibraryOptions extends KeptLimits {
  readonly engine: Engine;
  readonly presets: Pick<Presets, 'catalog' | 'assertDescribed'>;
  readonly styles: Pick<Styles, 'open'>;
  readonly lookup: StyleLookup;
  readonly store: GuardedStore;
  readonly maxStyles: number;
}

export type Library = ReturnType<typeof createLibrary>;

/** All styles that there are, and those that users add, change and delete. */
export function createLibrary(options: LibraryOptions) {
  const { engine, presets, styles, lookup, store, maxStyles } = options;

  function assertFree(id: string): void {
    presets.assertDescribed(id);
    if (!presets.catalog.has(id)) return;
    const text = `${id} is a preset, which stays as it is. Choose another id.`;
    throw new ServiceError('id_taken', text, { field: 'id' });
  }

  async function put(
    style: StoredStyle,
    statistics: StyleStatistics,
    image?: Buffer,
  ): Promise<Registered> {
    const outcome = await store.putStyle(style, statistics, image);
    if (outcome === 'full') throw full();
    return { style, isNew: outcome === 'created' };
  }

  function full(): ServiceError {
    const text =
      store.name === 'memory'
        ? `This process keeps ${maxStyles} registered styles, and as many as its memory allows. Delete one first; a folder or Redis keeps more (ADAIN_STYLE_STORE).`
        : `${maxStyles} styles are registered, and no more may be (ADAIN_MAX_STYLES). Delete one first.`;
    return new ServiceError('too_many_styles', text);
  }

  async function statisticsOf(image: RgbImage, version: string, { signal, deadline }: Work) {
    const known = await lookup.findUpload(version, signal);
    return known ? known.statistics : (await engine.describe(image, { signal, deadline })).value;
  }

  return {
    presets: presets.catalog,
    /** Throws `id_taken` for a preset's, and `not_ready` for that of one still to be described. */
    assertFree,

    /** Throws `unknown_style`; rejects with `store_unavailable` where it cannot be told. */
    async find(id: string, signal: AbortSignal): Promise<KnownStyle> {
      if (!styleIdPattern.test(id)) throw unknown(id);
      const preset = presets.catalog.get(id);
      if (preset) return { kind: 'preset', style: preset };
      presets.assertDescribed(id);
      const look = lookup.findRegistered(id);
      const registered = await look.catch(() => undefined);
      if (registered) return { kind: 'registered', style: registered.style };
      if (isPictureId(id) && (await lookup.findUpload(id, signal))) {
        return { kind: 'upload', style: { id } };
      }
      await look;
      throw unknown(id);
    },

    /**
     * A page of the registered styles, in the order of their ids, those behind `after`. Of one whose id a
     * preset of the operator's took later the preset counts.
     */
    async list(after: string, limit: number): Promise<Page> {
      const styles: StoredStyle[] = [];
      let from: string | undefined = after;
      while (from !== undefined && styles.length <= limit) {
        const listed: StoredStyle[] = await store.listStyles(from, limit + 1);
        styles.push(...listed.filter(({ id }) => !presets.catalog.has(id)));
        from = listed.length > limit ? listed.at(-1)?.id : undefined;
      }
      const page = styles.slice(0, limit);
      return { styles: page, last: styles.length > limit ? page.at(-1)?.id : undefined };
    },

    /** The kept picture; undefined where the style was replaced or deleted since it was looked up. */
    image: (style: StoredStyle): Promise<Buffer | undefined> => store.getImage(style),

    /** Of any style, described if need be: float32, little endian. */
    async statistics(id: string, { memory, signal, deadline }: Work): Promise<Buffer> {
      if (!styleIdPattern.test(id)) throw unknown(id);
      const [opened] = await styles.open([{ kind: 'id', id }], signal);
      if (!opened) throw unknown(id);
      if (opened.newSize) await memory.paint(opened.decodeBytes + opened.heldBytes, signal);
      const { statistics } = await opened.resolve(
        (image, work = {}) => engine.describe(image, { ...work, deadline }),
        signal,
      );
      return toBytes(statistics);
    },

    /**
     * Registers a picture under an id that is free, or under that of its pixels, by which it is there already if
     * it was sent before.
     */
    async register(
      id: string | undefined,
      bytes: Buffer,
      texts: Partial<Texts>,
      work: Work,
    ): Promise<Registered> {
      const { image, version, png } = await readKept(bytes, options, work);
      if (id === undefined) {
        const known = await store.getStyle(version);
        if (known?.style.version === version) return { style: known.style, isNew: false };
      } else if (isPictureId(id) && id !== version) {
        const text = `${id} is the id of another picture. Choose one of your own, or POST this picture to /styles.`;
        throw new ServiceError('id_taken', text, { field: 'id' });
      }
      const { width, height } = image;
      const statistics = await statisticsOf(image, version, work);
      work.memory.keep(png.length);
      const own = id ?? version;
      const picture = { width, height, bytes: png.length };
      return put({ id: own, ...defaults(own), ...texts, version, picture }, statistics, png);
    },

    /**
     * Registers statistics that another instance gave.
     * @param model digest of the model that made them
     */
    async registerStatistics(id: string, bytes: Buffer, model: string): Promise<Registered> {
      assertFree(id);
      const { digest, channels } = engine.model;
      if (model !== digest) {
        const text = `The statistics are of the model ${model}, and this instance has ${digest}. Send the picture instead.`;
        throw new ServiceError('model_mismatch', text, { field: 'Model-Digest' });
      }
      const statistics = fromBytes(bytes, 2 * channels);
      if (!statistics?.every(Number.isFinite)) {
        const text = `The body must be ${2 * channels} finite float32 numbers, ${8 * channels} bytes, as GET gives them; it has ${bytes.length} bytes.`;
        throw new ServiceError('invalid_value', text);
      }
      const before = await store.getStyle(id);
      if (before?.style.picture) {
        const text = `The style ${id} has a picture, of which its statistics are made. Delete it first, or choose another id.`;
        throw new ServiceError('id_taken', text, { field: 'id' });
      }
      const version = `statistics-${createHash('sha256').update(bytes).digest('hex')}`;
      return put({ ...(before?.style ?? { id, ...defaults(id) }), version }, statistics);
    },

    async setTexts(id: string, texts: Partial<Texts>): Promise<StoredStyle> {
      assertFree(id);
      if (!styleIdPattern.test(id)) throw unknown(id);
      const style = await store.setTexts(id, texts);
      if (!style) throw unknown(id);
      return style;
    },

    async delete(id: string): Promise<void> {
      assertFree(id);
      if (!styleIdPattern.test(id) || !(await store.deleteStyle(id))) throw unknown(id);
    },
  };
}

const defaults = (id: string): Texts => ({ name: id, description: '', license: 'unknown' });

function unknown(id: string): ServiceError {
  const text = `There is no style ${printable(id)}. GET /styles lists those that last.`;
  return new ServiceError('unknown_style', text, { field: 'id' });
}
