import type { ServerResponse } from 'node:http';

/** Calls back once a response is over: answered, or broken off because the client is gone. */
export function onEnd(response: ServerResponse, callback: (answered: boolean) => void): void {
  let answered = false;
  response.once('finish', () => {
    // A connection that is destroyed in the middle of an answer lets Node believe it has finished.
    answered = !response.req.socket.destroyed;
  });
  response.once('close', () => {
    callback(answered);
  });
}
