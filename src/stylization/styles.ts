import { together } from '../abortable.ts';
import type { DescribeStyle, StyleStatistics } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { openStyle, type DecodeMemory } from '../imaging/decode.ts';
import { pixelDigest } from '../imaging/digest.ts';
import { nearest } from '../nearest.ts';
import type { Size } from '../rgb-image.ts';
import type { FoundStyle, GuardedStore } from '../store/index.ts';
import type { Presets } from './presets.ts';
import { isPictureId, type ResolvedStyle, type StyleLookup } from './style-lookup.ts';

export type { ResolvedStyle };

/** A style as a request names it. */
export type StyleSource =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'picture'; readonly bytes: Buffer };

/** A style that was looked up; nothing of it has been decoded. */
export interface OpenedStyle extends DecodeMemory {
  /** The size in which its picture may have to be described; undefined for a known style. */
  readonly newSize: Size | undefined;
  /** Its statistics, described where they are not known. `signal` ends the request. */
  resolve(describe: DescribeStyle, signal: AbortSignal): Promise<ResolvedStyle>;
}

const nothingToDecode = { newSize: undefined, decodeBytes: 0, heldBytes: 0 };

export interface StylesOptions {
  readonly presets: Pick<Presets, 'catalog' | 'assertDescribed'>;
  readonly lookup: StyleLookup;
  readonly store: GuardedStore;
  readonly styleSize: number;
  readonly maxPixels: number;
}

export type Styles = ReturnType<typeof createStyles>;

/** Turns a request's styles into statistics. */
export function createStyles(options: StylesOptions) {
  const { presets, lookup, store, styleSize, maxPixels } = options;

  const openId = async (id: string, ending: AbortSignal): Promise<OpenedStyle> => {
    const preset = presets.catalog.get(id);
    if (preset) return knownAs(id, preset.statistics);
    presets.assertDescribed(id);
    if (isPictureId(id)) {
      const upload = await lookup.findUpload(id, ending);
      if (upload) {
        const resolve: OpenedStyle['resolve'] = (_, signal) => lookup.useUpload(id, upload, signal);
        return { ...nothingToDecode, resolve };
      }
    }
    const registered = await lookup.findRegistered(id).catch((error: unknown) => {
      if (isPictureId(id)) return undefined; // the picture can be sent again
      throw error;
    });
    if (registered) return openRegistered(registered);
    const meant = nearest(id, presets.catalog.keys());
    const hint = meant ? ` Did you mean ${meant}?` : '';
    const text = `There is no style "${id}" here.${hint} GET /styles lists those that last; an uploaded style's id is known only for a time: send the picture again.`;
    throw new ServiceError('unknown_style', text, { field: 'styleId' });
  };

  const openRegistered = async ({ style, statistics }: FoundStyle): Promise<OpenedStyle> => {
    const { id, picture: kept } = style;
    if (statistics) return knownAs(id, statistics);
    if (!kept) {
      const text = `The style ${id} was given as statistics of another model. PUT those of this one, or its picture.`;
      throw new ServiceError('model_mismatch', text, { field: 'styleId' });
    }
    const bytes = await store.getImage(style);
    if (!bytes) {
      const text = `The style ${id} has just been replaced or deleted. Send the request again.`;
      throw new ServiceError('unknown_style', text, { field: 'styleId' });
    }
    // It was scaled and limited when it was registered.
    const limits = { styleSize: Infinity, maxPixels: Infinity, field: 'styleId' };
    const picture = await openStyle(bytes, limits);
    const { decodeBytes, heldBytes } = picture;
    return {
      ...{ newSize: picture, decodeBytes, heldBytes: heldBytes + bytes.length },
      resolve: (describe, signal) =>
        lookup.describeRegistered(style, signal, async (abandoned) => {
          const image = await picture.decode(abandoned);
          return (await describe(image, { signal: abandoned })).value;
        }),
    };
  };

  const openPicture = async (bytes: Buffer): Promise<OpenedStyle> => {
    const picture = await openStyle(bytes, { styleSize, maxPixels, field: 'style' });
    const { decodeBytes, heldBytes } = picture;
    return {
      ...{ newSize: picture, decodeBytes, heldBytes },
      async resolve(describe, signal) {
        const image = await picture.decode(signal);
        signal.throwIfAborted();
        const id = `sha256-${pixelDigest(image)}`;
        return lookup.useOrDescribe(
          id,
          signal,
          async (abandoned) => (await describe(image, { signal: abandoned })).value,
        );
      },
    };
  };

  return {
    /**
     * Looks the styles up, in their order: ids first, then the headers of pictures.
     * @param ending fires when the request is over
     * @throws ServiceError `unknown_style`, `model_mismatch`, `store_unavailable`, and what openStyle
     * rejects with
     */
    async open(
      sources: readonly StyleSource[],
      ending: AbortSignal,
    ): Promise<readonly OpenedStyle[]> {
      const named = await together<readonly (OpenedStyle | undefined)[]>(
        ending,
        sources.map(
          (source) => async () => (source.kind === 'id' ? openId(source.id, ending) : undefined),
        ),
      );
      return together<readonly OpenedStyle[]>(
        ending,
        sources.map(
          (source, index) => async () =>
            named[index] ?? openPicture((source as { readonly bytes: Buffer }).bytes),
        ),
      );
    },
  };
}

function knownAs(id: string, statistics: StyleStatistics): OpenedStyle {
  const resolved = { id, statistics, outcome: 'hit' as const };
  return { ...nothingToDecode, resolve: () => Promise.resolve(resolved) };
}
