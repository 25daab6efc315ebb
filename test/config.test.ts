import t from 'tap';

import { configHelp, readConfig } from '../src/config.ts';

t.test('nothing set: the defaults', async (t) => {
  const config = readConfig({});
  t.equal(config.PORT, 8080);
  t.equal(config.ADAIN_STYLE_SIZE, 512);
  t.equal(config.ADAIN_DEVICE, 'auto');
  t.equal(config.ADAIN_STYLES_DIR, undefined);
});

t.test('an empty variable counts as absent', async (t) => {
  t.equal(readConfig({ PORT: '' }).PORT, 8080);
});

t.test('a wrong value stops with the name, the value and what was expected', async (t) => {
  const wrong: [Record<string, string>, string][] = [
    [{ PORT: '99999' }, 'PORT is "99999": expected a whole number from 0 to 65535'],
    [{ PORT: 'http' }, 'PORT is "http": expected a whole number from 0 to 65535'],
    [{ ADAIN_QUEUE_LIMIT: '1.5' }, 'ADAIN_QUEUE_LIMIT is "1.5": expected a whole number'],
    [{ ADAIN_DEVICE: 'gpu' }, 'ADAIN_DEVICE is "gpu": expected auto, cpu, cuda, or a list'],
    [{ ADAIN_PRESETS: 'no' }, 'ADAIN_PRESETS is "no": expected shipped or none'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud": expected one of trace, debug'],
  ];
  for (const [environment, message] of wrong) {
    t.throws(() => readConfig(environment), { message: new RegExp(`^${escape(message)}`) });
  }
});

t.test('a whole number is written in decimal digits', async (t) => {
  t.equal(readConfig({ PORT: '0080' }).PORT, 80);
  for (const PORT of [' ', ' 80', '0x50', '8e1', '80.0', '-0', '9'.repeat(400)]) {
    const message = `PORT is ${JSON.stringify(PORT)}: expected a whole number from 0 to 65535, in decimal digits`;
    t.throws(() => readConfig({ PORT }), { message });
  }
});

t.test('two wrong values are both named', async (t) => {
  t.throws(() => readConfig({ PORT: 'x', LOG_LEVEL: 'y' }), {
    message: /^PORT is .*\nLOG_LEVEL is /,
  });
});

t.test('--help names every variable with its default', async (t) => {
  const help = configHelp();
  for (const name of Object.keys(readConfig({}))) t.match(help, name);
  t.match(help, /PORT .*\(8080\)/);
});

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
