/** The promise's result, or the signal's reason if that fires first. The work itself goes on. */
export function abortable<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
    if (signal.aborted) onAbort();
  });
}

type Tasks<T extends readonly unknown[]> = {
  readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]>;
};

/**
 * Runs tasks at once, or `atOnce` of them at most, in their order. When one fails, or `signal` fires, the others are told by the signal that each
 * is given, and awaited all the same: nothing that was started outlives the result, and nothing more
 * is started.
 * Rejects with the reason of the first.
 */
export async function together<const T extends readonly unknown[]>(
  signal: AbortSignal,
  tasks: Tasks<T>,
  atOnce = Infinity,
): Promise<T> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const results: unknown[] = [];
  const remaining = tasks.entries();
  const lane = async () => {
    for (const [index, task] of remaining) {
      if (either.aborted) return;
      try {
        results[index] = await task(either);
      } catch (error) {
        failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, tasks.length) }, lane));
  either.throwIfAborted();
  return results as unknown as T;
}
