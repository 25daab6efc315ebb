import type { ServerResponse } from 'node:http';

/** Calls back once a response is over: answered, or broken off because the client is gone. */
export function onEnd(response: ServerResponse, callback: (answered: boolean) => void): void {
  let answered = false;
  response.once('finish', () => {
    answered = true;
  });
  response.once('close', () => {
    callback(answered);
  });
}
