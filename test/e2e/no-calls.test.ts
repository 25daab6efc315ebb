import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

import { form, photo } from '../support/app.ts';
import { plainNode } from '../support/node.ts';

// onnxruntime looks up its maker's collector and leaves a device id at home, unless told not to.
const entry = fileURLToPath(new URL('../../dist/server.js', import.meta.url));
const [server, doctor] = [[entry], [entry, '--doctor']];

const skip = obstacle();
if (skip) process.stderr.write(`\nNOT TESTED: that nobody is called, as ${skip}.\n\n`);

function obstacle(): string {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return `strace does not run here (${(error as Error).message.trim()})`;
  }
}

/** Runs node under strace, with a home folder of its own. */
function trace(args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'adain-trace-'));
  const [home, calls] = [join(folder, 'home'), join(folder, 'calls')];
  const options = ['-f', '-qq', '-e', 'trace=socket,connect,sendto,sendmsg,sendmmsg', '-o', calls];
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, HOST: '127.0.0.1', PORT: '0' };
  delete env['XDG_CACHE_HOME'];
  delete env['ORT_DISABLE_TELEMETRY'];
  const child = spawn('strace', [...options, ...plainNode(args).flat()], {
    env: { ...env, ADAIN_DEVICE: 'cpu' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  return { home, calls: () => readFileSync(calls, 'utf8').trim().split('\n'), child };
}

/** What would reach another machine: a name that is looked up, a packet, a connection. */
const outward = (calls: readonly string[]) =>
  calls.filter((call) => /nscd|connect\(.*AF_INET|SOCK_DGRAM|\bsend/.test(call));

function homeIsEmpty(t: Test, home: string): void {
  t.throws(() => readdirSync(home), { code: 'ENOENT' }, 'nothing is written at home');
}

t.test('the server calls nobody while it starts, paints and ends', { skip }, async (t) => {
  const { home, calls, child } = trace(server);
  const lines = createInterface(child.stdout);
  let address = '';
  let pid = 0;
  for await (const line of lines) {
    const entry = JSON.parse(line) as { msg: string; pid: number };
    pid = entry.pid; // of the server: strace keeps signals to itself
    address ||= /^Server listening at (.+)$/.exec(entry.msg)?.[1] ?? '';
    if (entry.msg === 'ready to paint') break;
  }
  const { headers, payload } = await form(['content', await photo()], ['styleId', 'mosaic']);
  const answer = await fetch(`${address}/stylize`, {
    method: 'POST',
    headers,
    body: new Uint8Array(payload),
  });
  t.equal(answer.status, 200);
  await answer.arrayBuffer();
  const exited = once(child, 'exit');
  process.kill(pid, 'SIGTERM');
  await exited;

  t.match(calls().join('\n'), /socket\(AF_INET/, 'strace sees the socket it listens on');
  t.strictSame(outward(calls()), []);
  homeIsEmpty(t, home);
});

t.test('the doctor calls nobody', { skip }, async (t) => {
  const { home, calls, child } = trace(doctor);
  child.stdout.resume();
  await once(child, 'exit');
  t.strictSame(outward(calls()), []);
  homeIsEmpty(t, home);
});
