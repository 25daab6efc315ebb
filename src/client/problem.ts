import type { components } from './api.ts';

/** RFC 9457, as the service answers; of what stands in front of it `status`, `title` and `detail` alone. */
export type Problem = Pick<components['schemas']['Problem'], 'title' | 'status' | 'detail'> &
  Partial<components['schemas']['Problem']>;

/** An answer that is not the one asked for, with what is wrong and the remedy as its message. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Seconds, as Retry-After says; absent where it does not. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

export async function readProblem(answer: Response): Promise<Problem> {
  const { status, statusText } = answer;
  const title = statusText || 'No success';
  const unknown = { status, title, detail: `The server answered ${status} ${statusText}.` };
  const type = answer.headers.get('content-type') ?? '';
  if (!type.startsWith('application/problem+json')) {
    await answer.body?.cancel(); // or its connection stays open
    return unknown;
  }
  const told = (await answer.json()) as Problem;
  return { ...unknown, ...told };
}
