import type { ServerResponse } from 'node:http';

import { ServiceError } from '../errors.ts';
import { onEnd } from './on-end.ts';

/** Takes room for bytes that have come, until the answer is over. Throws `overloaded`. */
export type TakeRoom = (bytes: number) => void;

/** The memory that the forms of all requests may fill together, in bytes. */
export function createUploadRoom(size: number): (response: ServerResponse) => TakeRoom {
  let taken = 0;
  return (response) => {
    let own = 0;
    let over = false;
    onEnd(response, () => {
      over = true;
      taken -= own;
    });
    return (bytes) => {
      if (over) return; // what still comes is thrown away
      if (taken + bytes > size) {
        const text = 'Too many pictures are being sent at once: come back later.';
        throw new ServiceError('overloaded', text);
      }
      taken += bytes;
      own += bytes;
    };
  };
}
