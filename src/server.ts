import { parseArgs } from 'node:util';

import { cannotStart, explain } from './cannot-start.ts';
import { hostOf, shareOf, shareOfThisProcess, thisMachine } from './cluster/share.ts';
import { configHelp, readConfig, strayVariables } from './config.ts';
import { revision, version } from './version.ts';

await main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

/** What people ask on a command line is answered there, in words; the service has its log. */
async function main(): Promise<void> {
  const asked = readArguments();
  if (asked.help) process.stdout.write(configHelp());
  else if (asked.version) process.stdout.write(`adain-server ${version}, revision ${revision}\n`);
  else if (asked.doctor) await diagnose();
  else await start().catch(cannotStart);
}

function readArguments() {
  try {
    const flag = { type: 'boolean' } as const;
    return parseArgs({ options: { help: flag, version: flag, doctor: flag } }).values;
  } catch (cause) {
    const given = process.argv.slice(2).join(' ');
    throw new Error(
      `It takes --help, --version or --doctor and nothing else, but got: ${given}. Settings are environment variables; --help lists them.`,
      { cause },
    );
  }
}

async function diagnose(): Promise<void> {
  const { examine } = await import('./doctor.ts');
  const config = readConfig(process.env);
  const first = strayVariables(process.env);
  let examined: Parameters<typeof examine> = [config];
  if (config.ADAIN_PROCESSES > 1) {
    const share = shareOf(config, thisMachine(config));
    examined = [share.config, hostOf(share)];
    first.push(`Of ${config.ADAIN_PROCESSES} processes one is tried, with its part of all:`);
  }
  const { report, healthy } = await examine(...examined);
  process.stdout.write([...first, report].join('\n'));
  if (!healthy) process.exitCode = 1;
}

/** Imports what this process is for, and no more: a primary paints nothing. */
async function start(): Promise<void> {
  const share = shareOfThisProcess();
  if (share) {
    const { serveShare } = await import('./cluster/child.ts');
    return serveShare(share);
  }
  const config = readConfig(process.env);
  if (config.ADAIN_PROCESSES > 1) {
    const { runProcesses } = await import('./cluster/primary.ts');
    return runProcesses(config);
  }
  const { serve } = await import('./serve.ts');
  return serve(config);
}
