import { ProblemError, readProblem, type Problem } from './problem.ts';

export type Progress =
  | { readonly phase: 'sending'; readonly attempt: number }
  /** `problem` is absent where no answer came at all. */
  | { readonly phase: 'waiting'; readonly seconds: number; readonly problem?: Problem }
  | { readonly phase: 'receiving'; readonly bytes: number; readonly total?: number };

export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds for the whole call, waiting included; 60,000 if absent. The service is told, so
   * that it refuses at once what it cannot do by then; the call ends 2 s later, or its answer that it
   * is late would not arrive. Node's fetch ends after 300 s without an answer, whatever this says.
   */
  readonly deadlineMs?: number;
  readonly onProgress?: (progress: Progress) => void;
}

/** Of an overloaded or restarting service, or one of what stands in front of it. */
const passing = new Set([429, 502, 503]);
/** In seconds, where the answer does not say, or there is none: 1, 2, 4, … */
const longestPause = 8;

/** Milliseconds for the answer that the deadline has passed. */
const graceMs = 2000;

/**
 * Sends a request until it is answered with something else than "later", and reads the answer. What an
 * earlier try may have deleted and is not there is deleted.
 * @throws ProblemError for an answer of another status than 2xx; TypeError where no answer has come by
 * the deadline; `TimeoutError` or the signal's reason when it ends before.
 */
export async function send(
  fetch: typeof globalThis.fetch,
  url: string,
  init: { readonly method?: string; readonly body?: FormData },
  { signal, deadlineMs = 60_000, onProgress }: CallOptions,
): Promise<{ readonly headers: Headers; readonly body: Blob }> {
  const end = Date.now() + deadlineMs;
  const ends = [AbortSignal.timeout(deadlineMs + graceMs), ...(signal ? [signal] : [])];
  const anyEnd = AbortSignal.any(ends);
  let mayBeDone = false;
  for (let attempt = 1; ; attempt++) {
    onProgress?.({ phase: 'sending', attempt });
    const left = Math.max(1, end - Date.now()) / 1000;
    const headers = { 'Request-Timeout': left.toFixed(3) };
    let failure: Failure;
    try {
      const answer = await fetch(url, { ...init, headers, signal: anyEnd });
      if (answer.ok) return { headers: answer.headers, body: await receive(answer, onProgress) };
      failure = await readFailure(answer);
      const isGone = init.method === 'DELETE' && answer.status === 404;
      if (isGone && mayBeDone) return { headers: answer.headers, body: new Blob([]) };
    } catch (error) {
      anyEnd.throwIfAborted();
      failure = readLoss(error);
    }
    const { error, problem, passes, after } = failure;
    mayBeDone ||= leavesOpen(problem);
    const seconds = after ?? Math.min(longestPause, 2 ** (attempt - 1));
    if (!passes || Date.now() + seconds * 1000 > end) throw error;
    onProgress?.({ phase: 'waiting', seconds, ...(problem && { problem }) });
    anyEnd.throwIfAborted(); // whoever was told may have ended it
    await pause(seconds * 1000, anyEnd);
  }
}

/** Whether it was done all the same: no answer came, or one of who has none itself. */
const leavesOpen = (problem: Problem | undefined): boolean =>
  !problem || problem.status === 502 || problem.code === 'store_unavailable';

interface Failure {
  readonly error: unknown;
  readonly problem?: Problem;
  readonly passes: boolean;
  /** Seconds. */
  readonly after?: number | undefined;
}

async function readFailure(answer: Response): Promise<Failure> {
  const problem = await readProblem(answer);
  const after = secondsUntil(answer.headers.get('retry-after') ?? '');
  const passes = passing.has(problem.status);
  return { error: new ProblemError(problem, after), problem, passes, after };
}

/** Retry-After: seconds, or a date of HTTP. Undefined if it has come. */
function secondsUntil(text: string): number | undefined {
  const seconds = /^[\d.]+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? seconds : undefined;
}

/** Who did not answer is asked again, unless fetch has waited for as long as it ever does. */
function readLoss(error: unknown): Failure {
  const { code = '' } = ((error as Error).cause ?? {}) as { code?: string };
  if (fetchTimeouts.has(code)) {
    const late = new DOMException(`No answer has come in time (${code}).`, 'TimeoutError');
    return { error: late, passes: false };
  }
  return { error, passes: error instanceof TypeError };
}
const fetchTimeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

async function receive(answer: Response, onProgress: CallOptions['onProgress']): Promise<Blob> {
  if (!answer.body || !onProgress) return answer.blob();
  const length = Number(answer.headers.get('content-length') ?? NaN);
  const total = length > 0 ? { total: length } : {};
  let bytes = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      onProgress({ phase: 'receiving', bytes, ...total });
      controller.enqueue(chunk);
    },
  });
  const type = answer.headers.get('content-type') ?? '';
  const whole = await new Response(answer.body.pipeThrough(counted)).blob();
  return new Blob([whole], { type });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', ended);
      resolve();
    }, ms);
    signal.addEventListener('abort', ended, { once: true });
  });
}
