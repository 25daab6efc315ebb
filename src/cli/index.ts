import { nearest } from '../nearest.ts';
import { escaped } from '../printable.ts';
import { addStyles, addStylesOptions } from './add-styles.ts';
import { sheet, sheetOptions } from './sheet.ts';
import { stylize, stylizeOptions } from './stylize.ts';
import {
  describeOptions,
  readArguments,
  UsageError,
  type Arguments,
  type Options,
} from './usage.ts';

interface Command {
  readonly usage: string;
  readonly about: string;
  readonly options: Options;
  readonly run: (given: Arguments) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  stylize: {
    usage: 'stylize FOLDER|FILE… --style ID|FILE --out FOLDER',
    about: `Paints pictures. What is done already is passed over, so that the same command goes on after a stop.
Results have the names of their pictures (a.jpg with --format webp becomes a.jpg.webp) and are all painted
with the same options. On stdout is a line of JSON for each, if that is no terminal.
Exit code: 0 all done, 1 some or the service failed, 2 the command line is wrong, 130 or 143 stopped by a signal.`,
    options: stylizeOptions,
    run: stylize,
  },
  sheet: {
    usage: 'sheet PHOTO --out FILE',
    about: 'Paints a photograph in every preset, small, on one picture with their ids.',
    options: sheetOptions,
    run: sheet,
  },
  'styles add': {
    usage: 'styles add FILE… --server URL',
    about: 'Registers pictures as styles. On stdout is a line of JSON with the id of each.',
    options: addStylesOptions,
    run: addStyles,
  },
};

/** @returns the exit code, after whatever is wrong has been said on stderr */
export async function runCommand(args: readonly string[]): Promise<number> {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return; // who reads has gone; there are still the files
    if (!process.exitCode) process.stderr.write(`What stdout says is lost (${code}).\n`);
    process.exitCode = 1;
  });
  const name = Object.keys(commands).find((name) => `${args.join(' ')} `.startsWith(`${name} `));
  try {
    const command = commands[name ?? ''];
    if (name === undefined || !command) throw unknown(args);
    const rest = args.slice(name.split(' ').length);
    if (rest.includes('--help') || rest.includes('-h')) {
      process.stdout.write(help(command));
      return 0;
    }
    return await command.run(readArguments(rest, command.options));
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const hint = isUsage && name ? ` (adain-server ${name} --help lists all options.)` : '';
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${text.split('\n').map(escaped).join('\n')}${hint}\n`);
    return isUsage ? 2 : 1;
  }
}

function unknown(args: readonly string[]): UsageError {
  const names = Object.keys(commands);
  const meant = nearest(args.slice(0, 2).join(' '), names) ?? nearest(args[0] ?? '', names);
  const remedy = meant ? `Did you mean ${meant}?` : `There are ${names.join(', ')}.`;
  return new UsageError(`There is no command ${args[0]}. ${remedy}`);
}

function help({ usage, about, options }: Command): string {
  return `adain-server ${usage}\n\n${about}\n\n${describeOptions(options)}\n`;
}
