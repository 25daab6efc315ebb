import type { StoredStyle, StoreOptions } from '../../src/store/types.ts';

export const storeOptions = (overrides: Partial<StoreOptions> = {}): StoreOptions => ({
  model: 'a'.repeat(64),
  statisticsLength: 4,
  ttlMs: 60_000,
  maxStyles: 5,
  maxUploads: 100,
  maxMemoryBytes: 1000,
  warn: (complaint) => {
    throw new Error(complaint);
  },
  ...overrides,
});

export const statistics = (value: number) => Float32Array.of(value, -1.5, 3e-8, 1e9);

export const style = (id: string, version = 'one', bytes = 3): StoredStyle => ({
  ...{ id, name: 'Näme "quoted"', description: 'two\nlines', license: 'CC0-1.0', version },
  picture: { width: 20, height: 30, bytes },
});

export const image = (byte: number, length = 3) => Buffer.alloc(length, byte);
