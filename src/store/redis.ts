import type { Redis } from 'iovalkey';

import { claim, describe, drop, retext } from './redis-scripts.ts';
import {
  fromBytes,
  toBytes,
  type StoredStyle,
  type StoreOptions,
  type StyleStore,
} from './types.ts';

/** A server that is away is asked again so often; so long one that is silent keeps a connection. */
const retryMs = 1000;
/** So often a replica is left for what its address may have become: it still serves reads. */
const leaveReplicaMs = 30_000;

/** Of a registered style's hash, in the order in which they are read. */
const textFields = ['name', 'description', 'license'] as const;
const fields = [...textFields, 'version', 'width', 'height', 'bytes'] as const;

/**
 * In Redis (6.2 or newer) or Valkey. `adain:<model>:statistics:<id>` is an upload's statistics, with
 * a time to live. `adain:style:<id>` is a registered style, a hash of texts, `version`, `image` and
 * `statistics:<model>`; `adain:styles` is the sorted set of their ids.
 */
export async function createRedisStore(
  url: string,
  { model, statisticsLength, ttlMs, maxStyles }: StoreOptions,
): Promise<StyleStore> {
  const { Redis } = await import('iovalkey'); // who keeps styles elsewhere does not load it
  let leftReplica = -Infinity;
  const client: Redis = new Redis(url, {
    connectionName: 'adain-server',
    lazyConnect: true,
    connectTimeout: retryMs,
    socketTimeout: retryMs,
    // What cannot be asked now is not asked later: its request has gone on.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => retryMs,
    // After a failover the connection may stay on the old primary. A script's error quotes the code.
    reconnectOnError(error) {
      const now = performance.now();
      if (!error.message.includes('READONLY') || now - leftReplica < leaveReplicaMs) return false;
      leftReplica = now;
      return true;
    },
  });
  let generation = 0;
  let trouble: Error | undefined;
  client.on('error', (error: Error) => {
    // It is what follows from the trouble.
    if (error.name !== 'MaxRetriesPerRequestError') trouble = error;
  });
  client.on('close', () => {
    trouble ??= new Error('The connection has ended.');
  });
  client.on('ready', () => {
    generation++;
    trouble = undefined;
  });
  await client.connect().catch(() => undefined); // it goes on trying

  /** @throws what keeps it away */
  const ready = (): Redis => {
    if (client.status === 'ready') return client;
    throw trouble ?? new Error(`It is not connected (${client.status}).`);
  };

  const uploadKey = (id: string) => `adain:${model}:statistics:${id}`;
  const styleKey = (id: string) => `adain:style:${id}`;
  const index = 'adain:styles';
  const own = `statistics:${model}`;

  /** A reply of HMGET, as bytes. */
  const read = (id: string, values: readonly (Buffer | null)[]): StoredStyle | undefined => {
    const texts = values.map((value) => value?.toString() ?? '');
    const [name = '', description = '', license = '', version, width, height, bytes] = texts;
    if (!version) return undefined;
    const picture = { width: Number(width), height: Number(height), bytes: Number(bytes) };
    const style = { id, name, description, license, version };
    return bytes ? { ...style, picture } : style;
  };

  return {
    name: 'redis',
    place: placeOf(url),
    get generation() {
      return generation;
    },
    async getStatistics(id) {
      const bytes = await ready().getexBuffer(uploadKey(id), 'PX', ttlMs);
      return fromBytes(bytes, statisticsLength);
    },
    async putStatistics(id, statistics) {
      await ready().set(uploadKey(id), toBytes(statistics), 'PX', ttlMs);
    },
    async getStyle(id) {
      const [bytes, ...values] = await ready().hmgetBuffer(styleKey(id), own, ...fields);
      const style = read(id, values);
      return style && { style, statistics: fromBytes(bytes, statisticsLength) };
    },
    async getImage({ id, version }) {
      const [now, image] = await ready().hmgetBuffer(styleKey(id), 'version', 'image');
      return now?.toString() === version ? (image ?? undefined) : undefined;
    },
    async putStyle(style, statistics, image) {
      const { picture } = style;
      const pairs: (string | number | Buffer)[] = [
        ...textFields.flatMap((field) => [field, style[field]]),
        ...['version', style.version, own, toBytes(statistics)],
      ];
      if (picture && image) {
        pairs.push('width', picture.width, 'height', picture.height, 'bytes', picture.bytes);
        pairs.push('image', image);
      }
      const keys = [styleKey(style.id), index];
      const put = await ready().eval(claim, 2, ...keys, style.id, maxStyles, ...pairs);
      return put as 'created' | 'replaced' | 'full';
    },
    async describeStyle({ id, version }, statistics) {
      await ready().eval(describe, 1, styleKey(id), version, own, toBytes(statistics));
    },
    async setTexts(id, texts) {
      const pairs = Object.entries<string>(texts).flat();
      const known = await ready().eval(retext, 1, styleKey(id), ...pairs);
      if (known !== 1) return undefined;
      return read(id, await ready().hmgetBuffer(styleKey(id), ...fields));
    },
    async deleteStyle(id) {
      return (await ready().eval(drop, 2, styleKey(id), index, id)) === 1;
    },
    async listStyles(after, limit) {
      const listed: StoredStyle[] = [];
      let from = after === '' ? '-' : `(${after}`;
      for (;;) {
        const room = limit - listed.length;
        const ids = await ready().zrange(index, from, '+', 'BYLEX', 'LIMIT', 0, room);
        const found = await Promise.all(
          ids.map(async (id) => read(id, await ready().hmgetBuffer(styleKey(id), ...fields))),
        );
        listed.push(...found.filter((style) => style !== undefined));
        // Some may have been deleted since.
        if (ids.length < room || listed.length === limit) return listed;
        from = `(${ids.at(-1)}`;
      }
    },
    async ping() {
      await ready().ping();
    },
    // It answers, with an error: no memory is left, it is a replica, or the user may not do so.
    refuses: (error) => error instanceof Error && error.name === 'ReplyError',
    close() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** Without user and password. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
