export interface State {
  readonly total: number;
  /** Of the total, whatever became of them. */
  readonly done: number;
  readonly failed: number;
  /** In this run, and in how many milliseconds. */
  readonly painted: number;
  readonly elapsedMs: number;
  /** What it waits for, in words. */
  readonly waiting?: string | undefined;
}

/** One line, shorter than `columns`. */
export function drawBar(state: State, columns: number): string {
  const { total, done, failed, painted, elapsedMs, waiting } = state;
  const perMs = elapsedMs > 0 ? painted / elapsedMs : 0;
  const details = [
    `${done} of ${total}`,
    ...(perMs > 0 ? [rate(1000 * perMs), `${duration((total - done) / perMs / 1000)} left`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(waiting ? [waiting] : []),
  ].join(' · ');
  const width = Math.min(40, columns - details.length - 3);
  const filled = Math.round((width * done) / Math.max(1, total));
  const bar = width < 8 ? '' : `${'━'.repeat(filled)}${'─'.repeat(width - filled)} `;
  return `${bar}${details}`.slice(0, columns - 1);
}

const rate = (perSecond: number) =>
  perSecond >= 1 ? `${perSecond.toFixed(1)} a second` : `${(60 * perSecond).toFixed(1)} a minute`;

/** In words, to two digits or so. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
