import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import manifest from '../../package.json' with { type: 'json' };
import { scanBomb } from '../imaging/costly.ts';
import { photo } from '../support/app.ts';
import {
  counted,
  processorTime,
  ready,
  root,
  run,
  start,
  textOf,
  type LogLine,
  type Server,
} from './server-process.ts';

/** Where nothing is asked of the engine but that it is there: one thread, where there may be three of more. */
const fast = { ADAIN_DEVICE: 'cpu', ADAIN_THREADS: '1', ADAIN_MAX_BATCH: '1' };

/** What a command line says that is refused, and its exit code. */
async function refusal(server: Server): Promise<[text: string, code: number]> {
  const exited = once(server, 'exit') as Promise<[number]>;
  const [text, [code]] = await Promise.all([textOf(server.stderr), exited]);
  return [text, code];
}

/** The log of a server that cannot start, and its exit code. */
async function failure(t: Test, server: Server): Promise<[log: LogLine[], code: number]> {
  t.teardown(() => server.kill('SIGKILL'));
  const exited = once(server, 'exit') as Promise<[number]>;
  const [text, complaint, [code]] = await Promise.all([
    textOf(server.stdout),
    textOf(server.stderr),
    exited,
  ]);
  t.equal(complaint, '', 'all that it says is in the log');
  const log = text.trim().split('\n');
  return [log.map((line) => JSON.parse(line) as LogLine), code];
}

async function form(content: Buffer, styleId: string): Promise<FormData> {
  const data = new FormData();
  data.append('content', new Blob([new Uint8Array(content)]), 'photo.png');
  data.append('styleId', styleId);
  return data;
}

/** Resolves when fetch has sent so many requests whole. */
function haveBeenSent(count: number): Promise<void> {
  return new Promise((resolve) => {
    const channel = 'undici:request:bodySent';
    let sent = 0;
    const look = () => {
      if (++sent < count) return;
      unsubscribe(channel, look);
      resolve();
    };
    subscribe(channel, look);
  });
}

async function firstPreset(url: string): Promise<string> {
  const reply = await fetch(`${url}/styles`);
  const { styles } = (await reply.json()) as { styles: { id: string }[] };
  return styles[0]?.id ?? '';
}

t.test('a whole visit', async (t) => {
  const { server, url, log } = await start(t, { ...counted, ADAIN_MAX_UPLOAD_BYTES: '1000000' });
  const style = await firstPreset(url);
  const answered = () => log.filter((line) => line.route === '/stylize');

  await t.test('ready, list, repaint, metrics, log', async (t) => {
    t.match(log[0]?.msg, /^Server listening at /);
    t.match(
      log.slice(0, 3).map(({ msg }) => msg),
      [String, 'warming up', 'ready to paint'],
    );
    t.equal((await fetch(`${url}/readyz`)).status, 200);

    const body = await form(await photo(100, 60), style);
    const reply = await fetch(`${url}/stylize`, { method: 'POST', body });
    t.equal(reply.status, 200);
    const made = await sharp(Buffer.from(await reply.arrayBuffer())).metadata();
    t.same([made.width, made.height], [100, 60]);

    const metrics = await (await fetch(`${url}/metrics`)).text();
    t.match(metrics, 'adain_requests_total{route="/stylize",status="200"} 1');
    t.match(metrics, /adain_inference_pixels_total \d{4,}/);
  });

  await t.test('an upload far over the limit gets its answer, not a broken pipe', async (t) => {
    const body = await form(Buffer.alloc(5_000_000), style);
    const reply = await fetch(`${url}/stylize`, { method: 'POST', body });
    t.equal(reply.status, 413);
    t.match(await reply.json(), { code: 'too_many_bytes' });
  });

  await t.test('SIGTERM under load: every request that has arrived is answered', async (t) => {
    const body = await form(await photo(400, 300), style);
    server.kill('SIGSTOP'); // the system takes connections for it, which it does not know of at the signal
    const sent = haveBeenSent(12);
    const replies = Array.from({ length: 12 }, () =>
      fetch(`${url}/stylize`, { method: 'POST', body }),
    );
    await sent;
    server.kill('SIGTERM');
    server.kill('SIGCONT');
    const closed = once(server, 'close'); // with all that it has written
    for (const reply of await Promise.all(replies)) {
      t.equal(reply.status, 200);
      t.ok((await reply.arrayBuffer()).byteLength > 1000, 'whole');
    }
    const [code] = (await closed) as [number];
    t.equal(code, 0);
    await t.rejects(fetch(`${url}/livez`), 'and then the door is closed');
  });

  t.equal(answered().length, 1 + 1 + 12, 'one line a request');
  t.match(answered()[0], { status: 200, stages: { infer: Number, encode: Number } });
});

t.test('SIGTERM does not wait for connections that no answer is due on', async (t) => {
  const day = '86400000';
  const { server, url } = await start(t, { ...fast, ADAIN_SHUTDOWN_GRACE_MS: day });
  const { port } = new URL(url);
  const sockets = ['', 'POST /stylize HTTP/1.1\r\nHost: a'].map((sent) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(sent);
    return socket;
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  t.equal((await fetch(`${url}/livez`)).status, 200, 'they have been accepted');
  server.kill('SIGTERM');
  t.same(await once(server, 'exit'), [0, null]);
});

t.test('SIGTERM and its echo, to what npm start runs', async (t) => {
  const { start } = manifest.scripts;
  const command = start.replace('npm run --silent build', 'true');
  t.not(command, start, 'built already');
  const env = { ...process.env, ...fast, HOST: '127.0.0.1', PORT: '0' };
  const shell = spawn('env', ['NODE_OPTIONS=', 'sh', '-c', command], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { server, url, log } = await ready(t, shell);
  const body = await form(await photo(400, 300), await firstPreset(url));
  const sent = haveBeenSent(4);
  const replies = [1, 2, 3, 4].map(() => fetch(`${url}/stylize`, { method: 'POST', body }));
  await sent;
  t.equal((await fetch(`${url}/livez`)).status, 200, 'they have been accepted');
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  while (!log.some(({ msg }) => msg === 'closing')) await once(server.stdout, 'data');
  server.kill('SIGTERM');
  for (const reply of await Promise.all(replies)) t.equal(reply.status, 200);
  t.same(await exited, [0, null]);
});

t.test('the grace is kept while a picture is decoded that nothing can stop', async (t) => {
  const { server, url, log } = await start(t, {
    ...fast,
    ADAIN_MAX_PIXELS: String(2 ** 28),
    ADAIN_SHUTDOWN_GRACE_MS: '100',
  });
  const body = await form(scanBomb(16_000, 16_000, 100), await firstPreset(url));
  body.append('size', '64');
  const before = processorTime(server);
  const reply = fetch(`${url}/stylize`, { method: 'POST', body });
  reply.catch(() => undefined);
  // Reading the form and the header takes far less: then it is being decoded.
  while (processorTime(server) < before + 500) await setTimeout(10);
  const exited = once(server, 'close'); // with all that it has written
  server.kill('SIGTERM');
  t.same(await exited, [null, 'SIGKILL']);
  // Not always the last: a fatal line goes out at once, which the one before it may not.
  const { msg } = log.find(({ level }) => level === 60) ?? {};
  t.equal(msg, 'pictures are still in work: the process is killed');
  await t.rejects(reply);
});

t.test('--help', async (t) => {
  const server = run(counted, '--help');
  t.match(await textOf(server.stdout), /PORT .*8080/);
});

t.test('--version', async (t) => {
  const server = run(counted, '--version');
  t.equal(await textOf(server.stdout), `adain-server ${manifest.version}, revision unknown\n`);
});

t.test('a variable that does not exist is warned of', async (t) => {
  const wrong = { ADAIN_MAX_PIXEL: '1000', ADAIN_MODELS_DIR: '/no/such/folder' };
  const [log] = await failure(t, run({ ...counted, ...wrong }));
  t.match(log[0], { level: 40, msg: /ADAIN_MAX_PIXEL, .* ADAIN_MAX_PIXELS\?$/ });
});

t.test('an argument that is none', async (t) => {
  for (const argument of ['--port=80', '--helpp', 'serve']) {
    const [text, code] = await refusal(run(counted, argument));
    t.equal(code, 1);
    t.match(text, `--help, --version or --doctor and nothing else, but got: ${argument}`);
  }
});

t.test('SIGTERM while it starts ends it at once', async (t) => {
  const server = run({});
  t.teardown(() => server.kill('SIGKILL'));
  const exited = once(server, 'exit');
  const log: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    log.push((JSON.parse(line) as LogLine).msg);
    if (log.at(-1) === 'warming up') server.kill('SIGTERM');
  }
  t.notOk(log.includes('ready to paint'));
  t.same(await exited, [null, 'SIGTERM']);
});

t.test('a start that cannot be says why in one line of the log, and ends with 1', async (t) => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ PORT: 'http' }, /PORT is "http": expected a whole number/],
    [
      { ADAIN_STYLES_DIR: '/no/such/folder' },
      /styles folder \/no\/such\/folder cannot be read .* Set ADAIN_STYLES_DIR to/,
    ],
    [
      { ADAIN_MODELS_DIR: '/no/such/folder' },
      /styles folder \/no\/such\/folder\/styles cannot be read .* Set ADAIN_MODELS_DIR to/,
    ],
    [{ ADAIN_MODELS_DIR: t.testdir({ styles: {} }) }, /model\.json/],
  ];
  for (const [environment, message] of wrong) {
    const [log, code] = await failure(t, run({ ...counted, LOG_LEVEL: 'silent', ...environment }));
    t.equal(code, 1);
    t.equal(log.length, 1);
    t.match(log[0], { level: 60, msg: message });
    t.match(log[0]?.msg, /^adain-server cannot start\. /);
    t.notMatch(log[0]?.msg, / at .*\.js:\d+/, 'without a stack');
  }
});

t.test('so does one that cannot listen, before anything is warmed', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1');
  t.teardown(() => busy.close());
  await once(busy, 'listening');
  const { port } = busy.address() as AddressInfo;
  const wrong: [Record<string, string>, RegExp][] = [
    [{ PORT: String(port) }, new RegExp(`HOST=127.0.0.1 PORT=${port} .*EADDRINUSE.* Set PORT to`)],
    [{ HOST: '192.0.2.1' }, /HOST=192\.0\.2\.1 PORT=0 .*EADDRNOTAVAIL.* HOST to an address/],
  ];
  for (const [environment, message] of wrong) {
    const [log, code] = await failure(t, run(environment));
    t.equal(code, 1);
    t.equal(log.length, 1);
    t.match(log[0], { level: 60, msg: message });
  }
});
