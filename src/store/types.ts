import type { StyleStatistics } from '../engine/index.ts';

export const storeNames = ['memory', 'folder', 'redis'] as const;
export type StoreName = (typeof storeNames)[number];

/** What people say of a registered style. */
export interface Texts {
  readonly name: string;
  readonly description: string;
  readonly license: string;
}

/** A style that a user added, as a store keeps it. */
export interface StoredStyle extends Texts {
  readonly id: string;
  /**
   * `sha256-…` of the pixels that it was described from, or `statistics-…` where it was given as
   * statistics. Another one means another look.
   */
  readonly version: string;
  /** The kept picture: its size in pixels and bytes. Absent where there are only statistics. */
  readonly picture?: { readonly width: number; readonly height: number; readonly bytes: number };
}

/** A registered style and what this model knows of it: undefined if it was described for another. */
export interface FoundStyle {
  readonly style: StoredStyle;
  readonly statistics: StyleStatistics | undefined;
}

export type Put = 'created' | 'replaced' | 'full';

/**
 * Where styles last beside this process. It keeps two things: statistics of pictures that were
 * uploaded, by the model that described them, for a time after their last use; and registered
 * styles, whole, until they are deleted. Statistics are float32 as the engine gives them. All ids
 * have passed `styleIdPattern`. Whatever goes wrong rejects; nothing is written by halves, whoever
 * else uses the same store and whenever a process dies.
 */
export interface StyleStore {
  readonly name: StoreName;
  /** Where it is, for the log: without a password. */
  readonly place: string;
  /** Another number means that the store may have lost what it kept: it was away. */
  readonly generation: number;
  /** Of an uploaded picture, kept for its whole time from now. */
  getStatistics(id: string): Promise<StyleStatistics | undefined>;
  putStatistics(id: string, statistics: StyleStatistics): Promise<void>;
  getStyle(id: string): Promise<FoundStyle | undefined>;
  /** The kept picture of just this version; undefined if there is none any more. */
  getImage(style: StoredStyle): Promise<Buffer | undefined>;
  /** All of a style at once, with statistics of this model, in place of the one that was there. */
  putStyle(style: StoredStyle, statistics: StyleStatistics, image?: Buffer): Promise<Put>;
  /** Adds this model's statistics to a style, if it still has this version. */
  describeStyle(style: StoredStyle, statistics: StyleStatistics): Promise<void>;
  /** Undefined if there is no such style. */
  setTexts(id: string, texts: Partial<Texts>): Promise<StoredStyle | undefined>;
  /** Whether there was one. */
  deleteStyle(id: string): Promise<boolean>;
  /** In the order of their ids, those behind `after`. */
  listStyles(after: string, limit: number): Promise<StoredStyle[]>;
  /** Resolves when the store is there. */
  ping(): Promise<void>;
  /** The store is there and refuses this: it is full, or may not be written. */
  refuses(error: unknown): boolean;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Digest of the model, by which statistics are kept. */
  readonly model: string;
  /** How many numbers its statistics are. */
  readonly statisticsLength: number;
  /** How long an uploaded style's statistics are kept after their last use. */
  readonly ttlMs: number;
  /** Registered styles. */
  readonly maxStyles: number;
  /** Uploaded styles that a folder keeps. */
  readonly maxUploads: number;
  /** Of all pictures that are kept in the process. */
  readonly maxMemoryBytes: number;
  /** Hears of what was found damaged. */
  readonly warn: (complaint: string) => void;
}

/** Statistics as bytes: float32, little endian. */
export function toBytes(statistics: StyleStatistics): Buffer {
  return Buffer.from(statistics.buffer, statistics.byteOffset, statistics.byteLength);
}

/** Undefined if these are not so many numbers: a file may have been cut short by a failure of power. */
export function fromBytes(
  bytes: Uint8Array | null | undefined,
  length: number,
): StyleStatistics | undefined {
  if (bytes?.length !== length * Float32Array.BYTES_PER_ELEMENT) return undefined;
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
