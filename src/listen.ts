import { lookup } from 'node:dns/promises';

import { explain } from './cannot-start.ts';
import type { Config } from './config.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Opens what HOST and PORT name, on one address: fastify would make a second server of localhost,
 * without the limits of the first.
 * @throws Error that says what to change
 */
export async function listen(
  { HOST: name, PORT: port }: Config,
  open: (address: Address) => Promise<unknown>,
): Promise<void> {
  try {
    const { address: host } = await lookup(name);
    await open({ host, port });
  } catch (cause) {
    throw new Error(
      `It cannot listen with HOST=${name} PORT=${port} (${explain(cause)}). Set PORT to one that is free and allowed (0 takes any), HOST to an address of this machine (0.0.0.0 is all of them).`,
      { cause },
    );
  }
}
