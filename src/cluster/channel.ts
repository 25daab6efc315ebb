/** Either end of an IPC channel: `process` in a child, a worker of node:cluster in the primary. */
export interface Port {
  on(event: 'message', listener: (message: Message) => void): unknown;
  send?(message: Message, onSent: () => void): unknown;
}

interface Message {
  readonly id: number;
  /** Absent in an answer. */
  readonly question?: string;
  readonly answer?: unknown;
}

/** Puts a question to the other end. @returns undefined when there is no answer in time */
export type Ask = (question: string, withinMs: number) => Promise<unknown>;

/** Answers what the other end asks, by the question. What rejects is not answered. */
export function openChannel(port: Port, answers: Readonly<Record<string, () => unknown>>): Ask {
  const waiting = new Map<number, (answer: unknown) => void>();
  let last = 0;
  // The other end may be gone: then nobody waits.
  const send = (message: Message) => port.send?.(message, () => undefined);

  async function answer(id: number, question: string): Promise<void> {
    send({ id, answer: await answers[question]?.() });
  }
  port.on('message', ({ id, question, answer: given }) => {
    if (question === undefined) waiting.get(id)?.(given);
    else answer(id, question).catch(() => undefined);
  });

  return async (question, withinMs) => {
    const id = ++last;
    let timer;
    const answered = new Promise((resolve) => {
      waiting.set(id, resolve);
      timer = setTimeout(resolve, withinMs);
      send({ id, question });
    });
    try {
      return await answered;
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  };
}
