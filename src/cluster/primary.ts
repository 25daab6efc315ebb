import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { pino } from 'pino';

import { cannotStart, explain } from '../cannot-start.ts';
import { strayVariables, type Config } from '../config.ts';
import { longestStartMs } from '../engine/index.ts';
import { listen, type Address } from '../listen.ts';
import { openChannel, type Ask } from './channel.ts';
import { closeLostConnections, handOverArrived } from './lost-connections.ts';
import { textOf, type OwnMetrics } from './metrics.ts';
import { environmentOf, shareOf, thisMachine } from './share.ts';

/** Who does not tell its metrics by then is left out of a scrape. */
const longestTellMs = 2000;
/** A process is asked so often whether it lives, and killed when it has not said yes so many times. */
const [checkMs, mostMissed] = [10_000, 3];

interface Child {
  readonly number: number;
  readonly ask: Ask;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** `performance.now()` milliseconds. */
  readonly startedAt: number;
  isReady: boolean;
  missed: number;
  /** It was killed for that. */
  hangs: boolean;
}

/**
 * The service as ADAIN_PROCESSES children that share a port, from their start to a signal. One that
 * ends or hangs is replaced; one that cannot start ends all, since the next could not either.
 */
export async function runProcesses(config: Config): Promise<void> {
  const count = config.ADAIN_PROCESSES;
  const log = pino({ level: config.LOG_LEVEL });
  for (const warning of strayVariables(process.env)) log.warn(warning);
  await listen(config, tryPort); // before anything is warmed
  const share = shareOf(config, thisMachine(config));
  const { ADAIN_THREADS: cores = NaN, ADAIN_MEMORY_BYTES: bytes = NaN } = share.config;
  const each = { cores, memoryMB: Math.round(bytes / 1e6) };
  log.info({ processes: count, port: config.PORT, each }, 'starting processes');

  const children = new Set<Child>();
  let isClosing = false;
  let isWhole = false;
  /** Twice as long after each start that was killed for it: it may have been slow, and the next be, too. */
  let longestMs = longestStartMs;
  cluster.setupPrimary({ serialization: 'advanced' }); // metrics have NaN
  const checks = setInterval(() => {
    for (const child of children) void check(child);
  }, checkMs);
  // Those that close a process which is alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(signal, () => {
      if (!isClosing) log.info({ signal }, 'closing');
      void close();
    });
  }
  start(1); // alone: what keeps it from starting would keep all, and a GPU is measured at a start

  function start(number: number): void {
    let worker: Worker;
    try {
      worker = cluster.fork(environmentOf({ ...share, number }));
    } catch (error) {
      giveUp(`Process ${number} of ${count}: ${explain(error)}`);
      return;
    }
    closeLostConnections(worker);
    const ask = openChannel(worker, {
      ready: () => {
        onReady(child);
      },
      metrics: tellAll,
    });
    const kill = (signal: NodeJS.Signals) => void worker.process.kill(signal);
    const startedAt = performance.now();
    const child: Child = { number, ask, kill, startedAt, isReady: false, missed: 0, hangs: false };
    children.add(child);
    worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
      children.delete(child);
      onEnd(child, code ?? 128 + constants.signals[signal ?? 'SIGKILL'], worker.process.pid);
    });
    worker.on('error', (error) => {
      if (worker.process.pid !== undefined) return; // a message has not reached it: its exit follows
      children.delete(child);
      giveUp(`Process ${number} of ${count}: ${explain(error)}`);
    });
  }

  function onReady(child: Child): void {
    child.isReady = true;
    if (isClosing || isWhole) return;
    if (children.size === 1) for (let number = 2; number <= count; number++) start(number);
    isWhole = [...children].every(({ isReady }) => isReady);
    if (isWhole) log.info({ processes: count }, 'all processes are ready');
  }

  /** `code`: as a shell has it, 128 and the signal's number where that has ended it. */
  function onEnd({ number, isReady, hangs }: Child, code: number, pid: number | undefined): void {
    if (isClosing) {
      // Of one that was to replace another nobody was served.
      if (isReady || !isWhole) process.exitCode ||= code;
      if (children.size === 0) log.info({ code: process.exitCode }, 'all processes have ended');
    } else if (isReady || hangs) {
      log.fatal({ process: number, child: pid, code }, 'a process has ended, another is started');
      start(number);
    } else {
      // With 1 it has told why.
      giveUp(code === 1 ? undefined : `Process ${number} of ${count} ended with ${code}.`);
    }
  }

  function giveUp(why?: string): void {
    if (why !== undefined) cannotStart(why);
    process.exitCode = 1;
    void close();
  }

  /**
   * Each closes with its grace; who is starting ends at once. By SIGTERM, of which a second one is no
   * haste: a terminal sends its signals to all.
   */
  async function close(): Promise<void> {
    if (isClosing) return;
    isClosing = true;
    clearInterval(checks);
    await handOverArrived();
    for (const { kill } of children) kill('SIGTERM');
  }

  async function tellAll(): Promise<string> {
    const ready = [...children].filter(({ isReady }) => isReady);
    const told = ready.map(async ({ number, ask }) => {
      const metrics = (await ask('metrics', longestTellMs)) as OwnMetrics | undefined;
      return { number, metrics };
    });
    return textOf(await Promise.all(told));
  }

  /**
   * What an orchestrator cannot: its probe of /livez meets any of the processes, and none that is starting.
   * Of that one the engine may hang while the process itself answers.
   */
  async function check(child: Child): Promise<void> {
    if (child.hangs) return; // its exit follows
    if (child.isReady) {
      child.missed = (await child.ask('live', checkMs / 2)) === true ? 0 : child.missed + 1;
      child.hangs = child.missed >= mostMissed;
    } else {
      child.hangs = performance.now() - child.startedAt > longestMs;
      if (child.hangs) longestMs *= 2;
    }
    if (!child.hangs || isClosing) return;
    log.fatal({ process: child.number }, 'a process hangs, or its GPU failed: it is killed');
    child.kill('SIGKILL');
  }
}

/** Listens and lets go again. */
async function tryPort(address: Address): Promise<void> {
  const server = createServer().listen(address);
  await once(server, 'listening');
  server.close();
}
