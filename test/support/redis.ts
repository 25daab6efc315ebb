import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';

import { freePort } from '../docker/files.ts';

const missing = spawnSync('redis-server', ['--version']).error !== undefined;
/** What to give a test that wants Redis, as `skip`. */
export const skip = missing && 'NOT CHECKED: there is no redis-server (apt: redis-server)';
if (skip) process.stderr.write(`\n${skip}\n\n`);

/** A Redis of this test alone, in memory, which can be killed and started again on its port. */
export async function startRedis(t: Test, ...more: string[]) {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const options = ['--port', String(port), '--save', ''];
    server = spawn('redis-server', [...options, ...more], { stdio: 'ignore' });
    while (!/^(\+PONG|-NOAUTH)/.test(await command(port, 'PING').catch(() => ''))) {
      if (server.exitCode !== null) throw new Error('redis-server does not answer');
      await setTimeout(20);
    }
  }
  async function kill(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }
  /** As a machine that stops for a while: connections stay, and nothing is answered. */
  const pause = () => server?.kill('SIGSTOP');
  const resume = () => server?.kill('SIGCONT');
  t.teardown(kill);
  await start();
  return { url, start, kill, pause, resume, command: (text: string) => command(port, text) };
}

/** The first line of the answer to an inline command. */
async function command(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write(`${text}\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('latin1').split('\r\n', 1)[0] ?? '';
  } finally {
    socket.destroy();
  }
}

/** As Redis over TLS alone, with a password, and a certificate that nobody but its readers trust. */
export async function startTlsRedis(t: Test, password: string) {
  const folder = t.testdir({});
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...made, ...name], { stdio: 'pipe' });
  const port = await freePort();
  const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-auth-clients', 'no'];
  const options = ['--port', '0', '--tls-port', String(port), ...files, '--save', ''];
  const server = spawn('redis-server', [...options, '--requirepass', password], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => server.kill('SIGKILL'));
  for await (const line of server.stdout) {
    if (String(line).includes('Ready to accept connections')) break;
  }
  return { url: `rediss://:${password}@localhost:${port}`, certificate };
}
