import { join } from 'node:path';
import t from 'tap';

import { addStyles, addStylesOptions } from '../../src/cli/add-styles.ts';
import { sheet, sheetOptions } from '../../src/cli/sheet.ts';
import { stylize, stylizeOptions } from '../../src/cli/stylize.ts';
import { readArguments, UsageError } from '../../src/cli/usage.ts';
import { folderOf, run } from './command.ts';

const commands = {
  stylize: (args: string[]) => stylize(readArguments(args, stylizeOptions)),
  sheet: (args: string[]) => sheet(readArguments(args, sheetOptions)),
  add: (args: string[]) => addStyles(readArguments(args, addStylesOptions)),
};

t.test('what is wrong is said by the name of the option, with the remedy', async (t) => {
  const folder = await folderOf(t, 'a.png');
  const good = [join(folder, 'in'), '--style', 'mosaic', '--out', join(folder, 'out')];
  const url = ['--server', 'http://a'];
  const wrong: [command: keyof typeof commands, args: string[], says: RegExp][] = [
    ['stylize', [], /--out is missing; it takes FOLDER/],
    ['stylize', ['--out', ''], /--out is missing/],
    ['stylize', [...good, '--stlye', 'x'], /no option --stlye\. Did you mean --style\?/],
    ['stylize', [...good, '-x'], /no option -x\. There are --out, /],
    ['stylize', [...good, '--size'], /--size has no value/],
    ['stylize', [...good, '--size', '--alpha', '1'], /--size has no value/],
    ['stylize', [...good, '--out', 'x'], /--out is there twice/],
    ['stylize', [...good, '--size', '64', '--size', '65'], /--size is there twice/],
    ['stylize', [...good, '--alpha', '70'], /--alpha is "70"; .* Did you mean 0\.7\?/],
    ['stylize', [...good, '--alpha', '-1'], /--alpha is "-1"; it takes a number from 0/],
    ['stylize', [...good, '--weights', '1,2'], /--weights: 1 style needs 1 weight/],
    ['stylize', [...good, '--color', 'sytle'], /--color is "sytle".* Did you mean style\?/],
    [
      'stylize',
      [...good, '--style', 'Great Wave'],
      /\(ENOENT\)\. Did you mean the id great-wave\?/,
    ],
    [
      'stylize',
      [...good, '--mask', 'no.png'],
      /--mask is "no\.png", which cannot be read \(ENOENT\)/,
    ],
    ['stylize', [...good, '--jobs', '0'], /--jobs is "0"; it takes a whole number from 1/],
    ['stylize', [...good, '--timeout', '1.5'], /--timeout is "1\.5"; it takes a whole number/],
    ['stylize', [...good, '--timeout', '301'], /a whole number from 1 to 300/],
    ['stylize', [...good, '--shard', '3/3'], /--shard is "3\/3"; it takes INDEX\/COUNT/],
    ['stylize', [...good, '--server', 'ftp://a'], /--server is "ftp:\/\/a"; it takes a URL/],
    ['stylize', [...good, '--server', 'http://me:pw@a'], /it takes a URL .* without a user/],
    ['stylize', ['--out', 'x'], /--style is missing; name a preset/],
    ['stylize', ['none', ...good.slice(1)], /none cannot be read \(ENOENT\)/],
    ['stylize', good.slice(1), /no picture in the command line/],
    ['sheet', [], /sheet takes one photograph; 0 came/],
    ['sheet', ['a.jpg', '--out', 'a.gif'], /--out is "a\.gif"; it takes a file's name with/],
    ['sheet', ['no.jpg', '--out', 'a.png'], /no\.jpg cannot be read \(ENOENT\)/],
    ['add', [], /styles add takes pictures/],
    ['add', ['a.jpg'], /--server is missing/],
    ['add', ['a', 'b', ...url, '--id', 'x'], /--id is one style's; 2 pictures came/],
    ['add', ['a', ...url, '--id', 'X y'], /--id is "X y"; .* Did you mean x-y\?/],
    ['add', ['a', ...url, '--name', 'x'.repeat(101)], /--name takes at most 100/],
  ];
  for (const [command, args, message] of wrong) {
    const error = await Promise.resolve()
      .then(() => commands[command](args))
      .catch((thrown: unknown) => thrown);
    t.ok(error instanceof UsageError, args.join(' '));
    t.match(error, { message });
  }
});

t.test('a command line that is wrong ends with 2', async (t) => {
  const told = await run(t, 'stylize', '--out', 'x');
  t.match(told, { code: 2, text: '', errors: /^--style is missing.* --help lists all options/ });
  t.match(await run(t, 'stylise'), { code: 2, errors: /stylise\. Did you mean stylize\?/ });
  t.match(await run(t, 'paint'), { code: 2, errors: /There are stylize, sheet, styles add\./ });
});

t.test('--help, of the service and of each command', async (t) => {
  const help = async (...args: string[]) => {
    const { code, text } = await run(t, ...args, '--help');
    t.equal(code, 0);
    return text;
  };
  t.match(await help('stylize'), /--style ID\|FILE .*--alpha VALUE .*--shard INDEX\/COUNT/s);
  t.match(await help('styles', 'add'), /--license TEXT +under which terms/);
  t.match(await help(), /adain-server stylize.*ADAIN_DEVICE/s);
});
