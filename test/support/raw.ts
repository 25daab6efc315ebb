import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';

import type { build } from './app.ts';

type App = Awaited<ReturnType<typeof build>>;

/** A bare connection to an application, which listens from then on, and all that has come on it. */
export async function connectTo(app: App): Promise<{ socket: Socket; received: () => string }> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined); // a reset is an end
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  await once(socket, 'connect');
  return { socket, received: () => text };
}

/** Sends bytes as they are, and gives back all that comes until the connection ends. */
export async function exchange(app: App, sent: string | Buffer): Promise<string> {
  const { socket, received } = await connectTo(app);
  socket.write(sent);
  await ended(socket);
  return received();
}

/** The other side has ended, or broken, the connection. */
export async function ended(socket: Socket): Promise<void> {
  if (!socket.readableEnded && !socket.closed) {
    await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  }
  socket.destroy();
}

/** A form, as it goes over the wire. */
export function overTheWire(
  { headers, payload }: { headers: Record<string, string>; payload: Buffer },
  version = '1.1',
): Buffer {
  const lines = { host: 'a', 'content-length': payload.length, ...headers };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`POST /stylize HTTP/${version}\r\n${head.join('')}\r\n`),
    payload,
  ]);
}
