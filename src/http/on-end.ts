import type { ServerResponse } from 'node:http';

/** Calls back once a response is over: answered, or broken off because the client is gone. */
export function onEnd(response: ServerResponse, callback: (answered: boolean) => void): void {
  const { socket } = response.req;
  let answered = false;
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    socket.off('close', end);
    response.off('close', end);
    callback(answered);
  };
  response.once('finish', () => {
    // A connection that is destroyed in the middle of an answer lets Node believe it has finished.
    answered = !socket.destroyed;
  });
  response.once('close', end);
  // In Node 20 an answer that waits behind another on its connection has no end of its own.
  socket.setMaxListeners(0);
  socket.once('close', end);
  if (socket.destroyed) end();
}
