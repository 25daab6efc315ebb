import type { Worker } from 'node:cluster';
import { setTimeout } from 'node:timers/promises';

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

/** A process that hangs is waited for so long. */
const longestHandingMs = 1000;

/** Connections that were handed to processes so far, and those of them that none has taken yet. */
const connections = { handed: 0, onTheirWay: 0 };

/**
 * Closes the connection that was being handed to a process when that ended: node:cluster waits for
 * the process to take it, and its client would for ever. There is no public way to see it.
 */
export function closeLostConnections({ process }: Worker): void {
  const handed = new Map<number, Handle>();
  const send = process.send.bind(process) as (message: Handing, ...rest: unknown[]) => boolean;
  process.send = (message: Handing, ...rest: unknown[]) => {
    const { act, seq = NaN } = message;
    if (act === 'newconn') {
      handed.set(seq, rest[0] as Handle);
      connections.handed++;
      connections.onTheirWay++;
    }
    return send(message, ...rest);
  };
  process.on('internalMessage', ({ ack = NaN }: Handing) => {
    if (handed.delete(ack)) connections.onTheirWay--;
  });
  // By then all of its answers have been heard. Node does not tell of the channel's end in this case.
  process.once('exit', () => {
    for (const handle of handed.values()) handle.close();
    connections.onTheirWay -= handed.size;
  });
}

/**
 * Waits until the processes have all connections that have arrived: what waits in the system's queue, or
 * here for a process, is reset when they close.
 */
export async function handOverArrived(): Promise<void> {
  const end = performance.now() + longestHandingMs;
  let before: number;
  do {
    before = connections.handed;
    await setTimeout(1); // a turn of the event loop or more, each of which accepts one
  } while ((connections.handed > before || connections.onTheirWay > 0) && performance.now() < end);
}
