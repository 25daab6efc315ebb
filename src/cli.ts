#!/usr/bin/env node
/** What `adain-server` runs: the service, or a command that works with one. */
const [first] = process.argv.slice(2);

if (first === undefined || first.startsWith('-')) await import('./server.ts');
else {
  const { runCommand } = await import('./cli/index.ts');
  const code = await runCommand(process.argv.slice(2));
  if (code !== 0) process.exitCode = code; // else it is that of what could not be written
}
