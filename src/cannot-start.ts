import { pino } from 'pino';

/** A line of the log, whatever LOG_LEVEL leaves out: a collector of logs reads nothing else. */
export function cannotStart(error: unknown): void {
  pino({ level: 'fatal' }).fatal(`adain-server cannot start. ${explain(error)}`);
  process.exitCode = 1;
}

export function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
