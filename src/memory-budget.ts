import { totalmem } from 'node:os';

import { ServiceError } from './errors.ts';
import { updated, type WeightedMean } from './weighted-mean.ts';

/**
 * What one request holds of the budget, from its first byte to its last. Forms and pictures have
 * parts of their own: a request that waits for memory to be painted in holds a form, and would wait
 * for ever if forms could fill all of it.
 */
export interface RequestMemory {
  /** Throws `overloaded` when there is no room now for a form of so many bytes. */
  readonly assertRoom: (bytes: number) => void;
  /** The form takes so many bytes by now. Throws `overloaded` when there is no room. */
  readonly receive: (bytes: number) => void;
  /** Whether so many bytes can ever be free. */
  readonly fits: (bytes: number) => boolean;
  /** Throws `too_many_pixels` when so many bytes will never be free. */
  readonly assertFits: (bytes: number) => void;
  /**
   * Waits in line for what painting takes at most, decoding and encoding included.
   * Rejects with the signal's reason.
   */
  readonly paint: (bytes: number, signal: AbortSignal) => Promise<void>;
  /** The picture is painted: a result of so many bytes is all that is held from now on. */
  readonly keep: (bytes: number) => void;
  /** Gives back everything. */
  readonly release: () => void;
}

export interface MemoryBudget {
  /** Of all forms together. */
  readonly forms: Usage;
  /** Of all pictures in work, with their results. */
  readonly pictures: Usage;
  readonly forRequest: () => RequestMemory;
}

/** In bytes. */
export interface Usage {
  readonly capacity: number;
  readonly held: number;
}

/** The share of the forms. What waits is held as it was sent, a tenth of what painting it takes. */
const formsShare = 1 / 4;

/** Nobody is sent away for longer. */
const longestRetryMs = 60_000;

/**
 * @param bytes of all requests together
 * @param onUsage is told at once, and with every change
 * @param now milliseconds
 */
export function createMemoryBudget(
  bytes: number,
  onUsage: (part: 'forms' | 'pictures', usage: Usage) => void,
  now = () => performance.now(),
): MemoryBudget {
  const forms = createPool(formsShare * bytes, (usage) => {
    onUsage('forms', usage);
  });
  const pictures = createPool(Math.floor((1 - formsShare) * bytes), (usage) => {
    onUsage('pictures', usage);
  });
  /** How long a form is held. */
  let heldMs: WeightedMean = { mean: 1000, deviation: 0 };
  /** When those who were refused come back. */
  let comeBack = 0;

  /** Held for a time T on average, a capacity C has room for b bytes more after T·b/C. */
  function refuse(bytes: number): ServiceError {
    comeBack = Math.max(comeBack, now()) + (heldMs.mean * bytes) / forms.capacity;
    comeBack = Math.min(comeBack, now() + longestRetryMs);
    const text = 'Too many pictures are being sent at once: come back later.';
    const retryAfterSeconds = (comeBack - now()) / 1000;
    return new ServiceError('overloaded', text, { retryAfterSeconds });
  }

  return {
    forms,
    pictures,
    forRequest() {
      const since = now();
      let form = 0;
      let picture = 0;
      const giveForm = () => {
        if (form > 0) heldMs = updated(heldMs, now() - since);
        forms.give(form);
        form = 0;
      };
      const givePicture = (bytes: number) => {
        pictures.give(bytes);
        picture -= bytes;
      };
      return {
        assertRoom(bytes) {
          if (!forms.fits(bytes)) throw refuse(bytes);
        },
        receive(bytes) {
          if (!forms.tryTake(bytes - form)) throw refuse(bytes);
          form = bytes;
        },
        fits: (bytes) => bytes <= pictures.capacity,
        assertFits(bytes) {
          if (bytes > pictures.capacity) throw tooLarge(bytes, pictures.capacity);
        },
        async paint(bytes, signal) {
          // Bounds have fractions, whose sums would not come back to 0.
          const whole = Math.ceil(bytes);
          await pictures.take(whole, signal);
          picture += whole;
        },
        keep(bytes) {
          giveForm();
          givePicture(picture - bytes);
        },
        release() {
          giveForm();
          givePicture(picture);
        },
      };
    },
  };
}

function tooLarge(bytes: number, capacity: number): ServiceError {
  return new ServiceError(
    'too_many_pixels',
    `Painting this picture takes up to ${megabytes(bytes)} MB of memory, and pictures may take ${megabytes(capacity)} MB here. Send a smaller one, or ask for a smaller size, another format, strokes nearer to 1 or fewer masks.`,
    { field: 'content' },
  );
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

interface Pool extends Usage {
  /** Whether there is room for so many bytes more. */
  fits(bytes: number): boolean;
  /** At once, or not at all. */
  tryTake(bytes: number): boolean;
  /** In line behind those who came before. Rejects with the signal's reason. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  give(bytes: number): void;
}

interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

function createPool(capacity: number, onUsage: (usage: Usage) => void): Pool {
  let held = 0;
  const line: Waiting[] = [];

  const fits = (bytes: number) => held + bytes <= capacity;
  const change = (bytes: number) => {
    held += bytes;
    onUsage({ held, capacity });
  };
  change(0);

  /** The first in line waits for room even where the second would fit: large ones would starve. */
  function serve(): void {
    for (let first = line[0]; first && fits(first.bytes); first = line[0]) {
      line.shift();
      change(first.bytes);
      first.begin();
    }
  }

  return {
    capacity,
    get held() {
      return held;
    },
    fits,
    tryTake(bytes) {
      if (bytes > 0 && !fits(bytes)) return false;
      change(bytes);
      return true;
    },
    take(bytes, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const leave = () => {
          line.splice(line.indexOf(waiting), 1);
          reject(signal.reason as Error);
          serve();
        };
        const waiting: Waiting = {
          bytes,
          begin() {
            signal.removeEventListener('abort', leave);
            resolve();
          },
        };
        signal.addEventListener('abort', leave, { once: true });
        line.push(waiting);
        serve();
      });
    },
    give(bytes) {
      change(-bytes);
      serve();
    },
  };
}

/**
 * Memory that the process may use, in bytes: what its container may, or half of the machine's, which
 * others use too.
 */
export function usableMemory(
  constrained = process.constrainedMemory(),
  total = totalmem(),
): number {
  return constrained > 0 && constrained < total ? constrained : total / 2;
}

/** The share that stays free: memory that waits for the garbage collector, and gaps between blocks. */
const headroom = 1 / 8;

/**
 * What is left for requests, in bytes.
 * @param usable what the process may use
 * @param taken what it needs beside the pictures of requests
 * @param maxFormBytes of the largest form, for which there must be room
 * @throws Error that says what to change when too little is left
 */
export function forRequests(usable: number, taken: number, maxFormBytes: number): number {
  const left = (1 - headroom) * usable - taken;
  if (formsShare * left >= maxFormBytes) return left;
  const needed = (taken + maxFormBytes / formsShare) / (1 - headroom);
  throw new Error(
    `The service may use ${megabytes(usable)} MB of memory and needs ${Math.ceil(needed / 1e6)}. Give its container (or ADAIN_MEMORY_BYTES) so much, or set ADAIN_MAX_BATCH=1, or lower ADAIN_TILE_PIXELS or ADAIN_MAX_UPLOAD_BYTES.`,
  );
}
