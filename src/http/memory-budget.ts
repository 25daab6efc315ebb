import { ServiceError } from '../errors.ts';

/** What one request holds of the budget. */
export interface MemoryShare {
  /** Counts bytes that have come. Throws `overloaded`. */
  readonly take: (bytes: number) => void;
  /** Gives all of it back, once nothing holds the bytes any more. */
  readonly release: () => void;
}

/** The memory that the forms of all requests may fill together, in bytes. */
export function createMemoryBudget(size: number): () => MemoryShare {
  let taken = 0;
  return () => {
    let own = 0;
    return {
      take(bytes) {
        if (taken + bytes > size) {
          const text = 'Too many pictures are being sent at once: come back later.';
          throw new ServiceError('overloaded', text);
        }
        taken += bytes;
        own += bytes;
      },
      release() {
        taken -= own;
        own = 0;
      },
    };
  };
}
