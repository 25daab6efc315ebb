import { ServiceError } from '../errors.ts';
import type { FoundStyle, StoreName, StyleStore } from './types.ts';

/** A picture waits so long for what it can do without. */
const briefMs = 50;
/** To register a style, which writes its picture, to find one that nobody else knows, or to show it. */
const patientMs = 3000;
/** So long nobody asks a store that was away, and then first its pulse. */
const awayMs = 1000;
/** With so many late ones to answer it gets no other that would be waited for briefly: each may hold a thread. */
const mostLate = 3;

export const storeResults = ['hit', 'miss', 'ok', 'refused', 'failed', 'late', 'away'] as const;
export type StoreResult = (typeof storeResults)[number];

/** Who hears how a store fares. */
export interface StoreEvents {
  /** Of each command: how it ended, and after how many milliseconds; 0 if it was not sent. */
  onCommand(store: StoreName, result: StoreResult, ms: number): void;
  onUp(store: StoreName, isUp: boolean): void;
}

export interface StoreLog {
  warn(details: object, message: string): void;
  info(details: object, message: string): void;
}

export interface GuardedStore extends Omit<StyleStore, 'getStyle' | 'ping' | 'refuses'> {
  /** @param isKnown who asks has what it was, and does not wait for long */
  getStyle(id: string, isKnown?: boolean): Promise<FoundStyle | undefined>;
}

/**
 * The same store, which now rejects in time and with nothing but ServiceErrors, `store_unavailable`:
 * one that is away is not asked at all until it answers again. Each change is one line of the log.
 */
export function guardStore(
  store: StyleStore,
  events: StoreEvents,
  log: StoreLog,
  quickMs = briefMs,
): GuardedStore {
  const { name, place } = store;
  let isAway = false;
  let isRefusing = false;
  const late = new Set<Promise<unknown>>();
  let pulse: NodeJS.Timeout | undefined;
  let closed = false;
  events.onUp(name, true);
  store.ping().catch(leave);

  function leave(error: unknown): void {
    if (isAway || closed) return;
    isAway = true;
    events.onUp(name, false);
    log.warn({ store: place, reason: reasonOf(error) }, 'the style store is away');
    feelPulse();
  }

  function feelPulse(): void {
    pulse = setTimeout(() => {
      store.ping().then(comeBack, () => {
        if (!closed) feelPulse();
      });
    }, awayMs).unref();
  }

  function comeBack(): void {
    if (closed) return;
    isAway = false;
    late.clear();
    events.onUp(name, true);
    log.info({ store: place }, 'the style store is back');
  }

  /** It is there and says no: that is of this command, and no reason not to ask again. */
  function refuse(error: unknown): void {
    if (isRefusing) return;
    isRefusing = true;
    log.warn({ store: place, reason: reasonOf(error) }, 'the style store refuses commands');
  }

  function accept(isWrite: boolean): void {
    if (!isWrite || !isRefusing) return;
    isRefusing = false;
    log.info({ store: place }, 'the style store takes commands again');
  }

  /** Of a command that failed: whether the store is there and says no. */
  function judge(error: unknown): StoreResult {
    if (store.refuses(error)) {
      refuse(error);
      return 'refused';
    }
    leave(error);
    return 'failed';
  }

  /** Nobody waits for it any more; a store that is only slow answers it, and is not away. */
  function outlast(work: Promise<unknown>, limitMs: number): void {
    late.add(work);
    const end = setTimeout(() => {
      if (late.has(work)) leave(new Late(patientMs));
    }, patientMs - limitMs).unref();
    const settled = () => {
      clearTimeout(end);
      return late.delete(work);
    };
    work.then(settled, (error: unknown) => {
      if (settled()) judge(error); // else it is of before the store was away
    });
  }

  async function run<T>(limitMs: number, isWrite: boolean, command: () => Promise<T>): Promise<T> {
    if (isAway || (limitMs < patientMs && late.size >= mostLate)) {
      events.onCommand(name, 'away', 0);
      throw unavailable();
    }
    const begun = performance.now();
    const end = (result: StoreResult) => {
      events.onCommand(name, result, performance.now() - begun);
    };
    const work = command();
    try {
      const value = await within(limitMs, work);
      end(isWrite ? 'ok' : value === undefined ? 'miss' : 'hit');
      accept(isWrite);
      return value;
    } catch (error) {
      if (error instanceof Late) {
        end('late');
        if (limitMs < patientMs) outlast(work, limitMs);
        else leave(error);
      } else {
        end(judge(error));
      }
      throw unavailable(error);
    }
  }

  return {
    name,
    place,
    get generation() {
      return store.generation;
    },
    getStatistics: (...given) => run(quickMs, false, () => store.getStatistics(...given)),
    putStatistics: (...given) => run(quickMs, true, () => store.putStatistics(...given)),
    getStyle: (id, isKnown = false) =>
      run(isKnown ? quickMs : patientMs, false, () => store.getStyle(id)),
    getImage: (...given) => run(patientMs, false, () => store.getImage(...given)),
    putStyle: (...given) => run(patientMs, true, () => store.putStyle(...given)),
    describeStyle: (...given) => run(patientMs, true, () => store.describeStyle(...given)),
    setTexts: (...given) => run(patientMs, true, () => store.setTexts(...given)),
    deleteStyle: (...given) => run(patientMs, true, () => store.deleteStyle(...given)),
    listStyles: (...given) => run(patientMs, false, () => store.listStyles(...given)),
    async close() {
      closed = true;
      clearTimeout(pulse);
      await store.close();
    },
  };
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

class Late extends Error {
  override readonly name = 'Late';

  constructor(limitMs: number) {
    super(`It does not answer within ${limitMs} ms.`);
  }
}

function unavailable(cause?: unknown): ServiceError {
  const text =
    'The store of styles does not answer now. Come back soon; presets and pictures sent as style are painted meanwhile.';
  return new ServiceError('store_unavailable', text, { retryAfterSeconds: awayMs / 1000, cause });
}

/** The result, or `Late`; the work itself goes on. */
function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // An answer that has come while this thread was busy is read before that.
      setImmediate(() => {
        reject(new Late(limitMs));
      });
    }, limitMs);
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
