import { once } from 'node:events';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

import {
  counted,
  ready,
  root,
  run,
  textOf,
  type LogLine,
  type Server,
} from '../e2e/server-process.ts';
import { form, photo } from '../support/app.ts';

// The built server as two processes.
const allReady = 'all processes are ready';
const fast = {
  ADAIN_PROCESSES: '2',
  ADAIN_DEVICE: 'cpu',
  ADAIN_MAX_BATCH: '1',
  ADAIN_PRESETS: 'none',
};

const start = (t: Test, word: string, environment: Record<string, string> = {}) =>
  ready(t, run({ ...fast, ADAIN_STYLE_STORE: `folder:${t.testdir()}`, ...environment }), word);

type Falsy = undefined | false | '';

/** Waits for what must come, however long it takes. */
async function found<T>(look: () => T | Promise<T>): Promise<Exclude<T, Falsy>> {
  for (;;) {
    const seen = await look();
    if (seen) return seen as Exclude<T, Falsy>;
    await sleep(50);
  }
}

/** A process that has ended may stay as a zombie where nobody waits for orphans. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Runs it before all else, in the primary at least. */
const inPrimary = (script: string) => ({ NODE_OPTIONS: `--import=data:text/javascript,${script}` });

const childrenIn = (log: readonly LogLine[]) =>
  log.flatMap(({ msg, pid }) => (msg === 'warming up' && pid ? [pid] : []));

/** A client with one connection, and so with one process. */
function connection(t: Test, url: string, log: readonly LogLine[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => {
    agent.destroy();
  });
  let asked = 0;
  const send = (method: string, path: string, headers = {}, body?: Buffer) =>
    new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const asking = request(new URL(path, url), { agent, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
        });
      });
      asking.on('error', reject).end(body);
    });
  /** Which process answers, as its log says. */
  async function pid(): Promise<number> {
    const id = `${process.pid}-${performance.now()}-${++asked}`;
    await send('GET', '/styles', { 'x-request-id': id });
    const line = await found(() => log.find(({ reqId, msg }) => reqId === id && msg === 'request'));
    return line.pid ?? NaN;
  }
  return { send, pid };
}

/** A connection to each of two processes. */
async function both(t: Test, url: string, log: readonly LogLine[]) {
  const first = connection(t, url, log);
  const pid = await first.pid();
  for (;;) {
    const second = connection(t, url, log);
    const other = await second.pid();
    if (other !== pid)
      return [
        { ...first, id: pid },
        { ...second, id: other },
      ] as const;
  }
}

/** Asks once, over a connection of its own. @returns the first line of the answer when it has ended */
function hangUp(url: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.on('close', () => {
      resolve(text.split('\r\n', 1)[0] ?? '');
    });
  });
}

const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();
const startOf = (metrics: string, number: number) =>
  new RegExp(`^process_start_time_seconds\\{process="${number}"\\} (\\S+)$`, 'm').exec(
    metrics,
  )?.[1];
/** The metrics, if both processes have told theirs in time. */
const ofBoth = (metrics: string) => startOf(metrics, 1) && startOf(metrics, 2) && metrics;

t.test('two processes are one service', async (t) => {
  const { server, url, log } = await start(t, allReady, counted);
  const [one, other] = await both(t, url, log);
  t.same(new Set([one.id, other.id]), new Set(childrenIn(log)));
  t.equal(new Set(log.flatMap(({ msg }) => /listening at (.*)/.exec(msg)?.[1] ?? [])).size, 1);

  const picture = await form(['image', await photo(60, 60, 7)]);
  const put = await one.send('PUT', '/styles/mine', picture.headers, picture.payload);
  t.equal(put.status, 201);
  // On a busy machine a store may be late, and the answer 503.
  const lookUp = async () => {
    const { status } = await other.send('GET', '/styles/mine');
    return status !== 503 && status;
  };
  t.equal(await found(lookUp), 200, 'a style is known to both');

  await t.test('a scrape of any tells all', async (t) => {
    for (const { send } of [one, other]) {
      const text = await found(async () => ofBoth(String((await send('GET', '/metrics')).body)));
      for (const number of [1, 2]) {
        t.match(text, `adain_engine_info{process="${number}",provider="cpu"`);
        t.match(text, `adain_processes{process="${number}"} 2\n`);
        t.match(text, `adain_request_duration_seconds_bucket{process="${number}",le="0.005"`);
      }
    }
  });

  await t.test('one that is killed is replaced, and the other serves on', async (t) => {
    const before = await found(async () => ofBoth(await metricsOf(url)));
    const replaced = new AbortController();
    const asking = (async () => {
      const statuses = new Set<number>();
      while (!replaced.signal.aborted) statuses.add((await other.send('GET', '/model')).status);
      return statuses;
    })();
    process.kill(one.id, 'SIGKILL');
    const line = await found(() => log.find(({ child }) => child === one.id));
    t.match(line, { level: 60, msg: 'a process has ended, another is started', code: 137 });
    const number = line.process ?? NaN;
    const after = await found(async () => ofBoth(await metricsOf(url)));
    replaced.abort();
    t.same(await asking, new Set([200]));
    t.not(startOf(after, number), startOf(before, number), 'under the same number');
    t.equal(startOf(after, 3 - number), startOf(before, 3 - number));
  });

  await t.test('one that hangs is left out of scrapes, killed and replaced', async (t) => {
    const hung = childrenIn(log).find((pid) => pid !== other.id && pid !== one.id) ?? NaN;
    process.kill(hung, 'SIGSTOP');
    const asked = [hangUp(url), hangUp(url)];
    const text = String((await other.send('GET', '/metrics')).body);
    t.equal(text.match(/^adain_processes\{.*\} 2$/gm)?.length, 1, 'an alert counts them');
    const line = await found(() => log.find(({ msg }) => msg.startsWith('a process hangs')));
    t.equal(line.level, 60);
    await found(() => log.find(({ child }) => child === hung));
    t.same(
      (await Promise.all(asked)).sort(),
      ['', 'HTTP/1.1 200 OK'],
      'nobody waits for it for ever',
    );
    await found(async () => ofBoth(String((await other.send('GET', '/metrics')).body)));
  });

  await t.test('SIGTERM: every request that has arrived is answered by either', async (t) => {
    // Two at the start, and two instead of those that were killed.
    await found(() => log.filter(({ msg }) => msg === 'ready to paint').length === 4);
    // By a picture of its own: a store that is late on a busy machine does not keep that.
    const style = await photo(60, 60, 7);
    const painting = await form(['content', await photo(400, 300)], ['style', style]);
    const { method, headers, payload } = painting;
    server.kill('SIGSTOP'); // the system takes connections for it, which it has not seen at the signal
    const asked = Array.from({ length: 8 }, () =>
      request(`${url}/stylize`, { agent: false, method, headers }).end(payload),
    );
    const replies = Promise.all(
      asked.map(async (one) => {
        const [reply] = (await once(one, 'response')) as [IncomingMessage];
        return { status: reply.statusCode, body: await buffer(reply) };
      }),
    );
    await Promise.all(asked.map((one) => once(one, 'finish')));
    const exited = once(server, 'close'); // with all that it has written
    server.kill('SIGTERM');
    server.kill('SIGCONT');
    server.kill('SIGTERM'); // an echo
    for (const { status, body } of await replies) {
      t.equal(status, 200);
      t.ok(body.length > 1000, 'whole');
    }
    t.same(await exited, [0, null]);
    t.match(log.at(-1), { msg: 'all processes have ended' });
    t.equal(new Set(log.flatMap((line) => (line.route === '/stylize' ? line.pid : []))).size, 2);
    await t.rejects(fetch(`${url}/livez`), 'and then the door is closed');
  });
});

t.test('too many connections are dropped; nobody outlives the primary', async (t) => {
  // The first listens, the second is starting.
  const { server, url, log } = await start(t, 'Server listening', { ADAIN_MAX_CONNECTIONS: '4' });
  const sockets = Array.from({ length: 5 }, () => connect(Number(new URL(url).port), '127.0.0.1'));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) socket.on('error', () => undefined);
  await Promise.race(sockets.map((socket) => once(socket.resume(), 'close')));
  const line = await found(() => log.find(({ msg }) => msg.startsWith('connections dropped')));
  t.match(line, { maxConnections: 2 }, 'half of them are its own');

  const children = await found(() => childrenIn(log).length === 2 && childrenIn(log));
  server.kill('SIGKILL');
  await found(() => !children.some(isRunning));
});

t.test('SIGTERM while it starts ends it at once', async (t) => {
  const { server, log } = await start(t, 'warming up');
  const [child = NaN] = childrenIn(log);
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  t.same(await exited, [128 + 15, null]);
  t.notOk(isRunning(child));
  t.notOk(log.some(({ msg }) => msg === 'ready to paint'));
});

t.test('one that was to replace another leaves no mark on the exit code', async (t) => {
  const { server, log } = await start(t, allReady);
  process.kill(childrenIn(log)[0] ?? NaN, 'SIGKILL');
  await found(() => log.find(({ child }) => child));
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  t.same(await exited, [0, null]);
});

t.test('one that hangs while it starts is killed, and the next has longer', async (t) => {
  // A signal sets the primary's clock six minutes ahead; it tells of each look at its processes.
  const script = `if (!process.env.SHARE_OF_ADAIN_SERVER) {
    const [now, every] = [performance.now.bind(performance), setInterval];
    const tell = (msg) => console.log(JSON.stringify({ msg }));
    let ahead = 0;
    performance.now = () => now() + ahead;
    process.on('SIGUSR2', () => { ahead += 360_000; tell('ahead'); });
    setInterval = (look, ms) => every(() => { look(); tell('looked'); }, ms / 4);
  }`;
  const clock = inPrimary(encodeURIComponent(script));
  const { server, url, log } = await start(t, allReady, clock);
  const logged = (word: string) => log.filter(({ msg }) => msg === word).length;
  const kills = () => log.filter(({ msg }) => msg.startsWith('a process hangs')).length;
  async function sixMinutesLater() {
    const before = logged('ahead');
    server.kill('SIGUSR2');
    await found(() => logged('ahead') > before);
    const looked = logged('looked');
    await found(() => logged('looked') > looked);
  }
  const [killed = NaN] = childrenIn(log);
  process.kill(killed, 'SIGKILL');
  const hung = await found(() => childrenIn(log)[2]);
  process.kill(hung, 'SIGSTOP');
  await sixMinutesLater();
  t.match(await found(() => log.find(({ child }) => child === hung)), { level: 60, code: 137 });

  const slow = await found(() => childrenIn(log)[3]);
  process.kill(slow, 'SIGSTOP');
  await sixMinutesLater();
  t.equal(kills(), 1, 'it may only be slow');
  t.equal((await fetch(`${url}/livez`)).status, 200, 'the other serves on');
  await sixMinutesLater();
  await found(() => log.find(({ child }) => child === slow));
});

t.test('one that cannot be replaced ends all', async (t) => {
  const folder = t.testdir();
  const models = `${folder}/models`;
  symlinkSync(`${root}models`, models);
  const store = { ADAIN_STYLE_STORE: `folder:${folder}`, ADAIN_MODELS_DIR: models };
  const { server, log } = await ready(t, run({ ...fast, ...counted, ...store }), allReady);
  rmSync(models);
  const exited = once(server, 'close');
  process.kill(childrenIn(log)[0] ?? NaN, 'SIGKILL');
  t.same(await exited, [1, null]);
  const fatal = log.filter(({ level }) => level === 60);
  t.match(fatal, [{}, { msg: /^adain-server cannot start\. Process [12] of 2 .*model\.json/ }]);
  t.equal(fatal.length, 2);
});

t.test('SIGHUP and SIGQUIT close it as one process is closed by them', async (t) => {
  for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
    const { server, log } = await start(t, allReady);
    const exited = once(server, 'close');
    server.kill(signal);
    t.same(await exited, [0, null]);
    t.match(log.at(-1), { msg: 'all processes have ended' });
  }
});

t.test('a start that cannot be says why in one line, and ends with 1', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1');
  t.teardown(() => busy.close());
  await once(busy, 'listening');
  const { port } = busy.address() as AddressInfo;
  const wrong: [Record<string, string>, RegExp][] = [
    [{ ADAIN_STYLE_STORE: 'memory:' }, /ADAIN_PROCESSES is "2": expected 1, or ADAIN_STYLE_STORE/],
    [{ PORT: String(port) }, /HOST=127.0.0.1 PORT=\d+ .*EADDRINUSE.* Set PORT to/],
    [{ ADAIN_MODELS_DIR: '/no/such/folder' }, /Process 1 of 2 .*model\.json/],
    [{ ADAIN_MEMORY_BYTES: '1000000000' }, /Process 1 of 2 \(ADAIN_PROCESSES\), .* may use 440 MB/],
    // The system gives no process: told later, as for want of pids, and at once, as for want of memory.
    [inPrimary(`process.execPath='/no/such/file'`), /Process 1 of 2: spawn .*ENOENT/],
    [inPrimary(`process.env.LONG='x'.repeat(2e5)`), /Process 1 of 2: spawn E2BIG/],
  ];
  for (const [environment, message] of wrong) {
    const store = `folder:${t.testdir()}`;
    const server: Server = run({
      ...{ ...fast, ...counted },
      LOG_LEVEL: 'silent',
      ADAIN_STYLE_STORE: store,
      ...environment,
    });
    t.teardown(() => server.kill('SIGKILL'));
    const exited = once(server, 'exit');
    const [text, complaint] = await Promise.all([textOf(server.stdout), textOf(server.stderr)]);
    t.same(await exited, [1, null]);
    t.equal(complaint, '');
    const lines = text.trim().split('\n');
    t.equal(lines.length, 1);
    t.match(JSON.parse(lines[0] ?? ''), { level: 60, msg: message });
  }
});
