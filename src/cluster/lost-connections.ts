import type { Worker } from 'node:cluster';

/** What node:cluster sends along with a connection, and what comes back. */
interface Handing {
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/** A connection that no process has taken. */
interface Handle {
  close(): void;
}

/**
 * Closes the connection that was being handed to a process when that ended: node:cluster waits for
 * the process to take it, and its client would for ever. There is no public way to see it.
 */
export function closeLostConnections({ process }: Worker): void {
  const handed = new Map<number, Handle>();
  const send = process.send.bind(process) as (message: Handing, ...rest: unknown[]) => boolean;
  process.send = (message: Handing, ...rest: unknown[]) => {
    const { act, seq = NaN } = message;
    if (act === 'newconn') handed.set(seq, rest[0] as Handle);
    return send(message, ...rest);
  };
  process.on('internalMessage', ({ ack = NaN }: Handing) => handed.delete(ack));
  // By then all of its answers have been heard. Node does not tell of the channel's end in this case.
  process.once('exit', () => {
    for (const handle of handed.values()) handle.close();
  });
}
