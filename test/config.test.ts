import t from 'tap';

import { configHelp, readConfig, strayVariables } from '../src/config.ts';

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
    [
      { UV_THREADPOOL_SIZE: '-3' },
      'UV_THREADPOOL_SIZE is "-3": expected a whole number from 1 to 1024',
    ],
    [
      { ADAIN_STYLE_STORE: 'reddis://me:secret@host' },
      'ADAIN_STYLE_STORE is "reddis://…@host": expected memory:, folder:/path, or redis://',
    ],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is "loud": expected one of trace, debug'],
  ];
  for (const [environment, message] of wrong) {
    t.throws(() => readConfig(environment), { message: new RegExp(`^${escape(message)}`) });
  }
});

t.test('origins and paths are taken only as they are compared', async (t) => {
  for (const origin of [
    'example.org',
    'https://a/',
    'https://a/b',
    'https://a,',
    'HTTPS://A b',
    '',
  ]) {
    const given = { ADAIN_CORS_ORIGINS: origin === '' ? ' ' : origin };
    t.throws(() => readConfig(given), /ADAIN_CORS_ORIGINS is .*expected \* or a list like https/);
  }
  const list = 'https://a, http://localhost:5173,capacitor://localhost';
  t.same(readConfig({ ADAIN_CORS_ORIGINS: list }).ADAIN_CORS_ORIGINS, list.split(/, ?/));
  for (const path of ['paint', '/', '/paint/', '//paint', '/a b', '/a?b', 'http://a/b']) {
    t.throws(
      () => readConfig({ ADAIN_BASE_PATH: path }),
      /ADAIN_BASE_PATH is .*a path like \/paint/,
    );
  }
  t.equal(readConfig({ ADAIN_BASE_PATH: '/a/b-c' }).ADAIN_BASE_PATH, '/a/b-c');
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

t.test('a variable that is none of ours is told, with the one that was meant', async (t) => {
  const meant: [name: string, remedy: RegExp][] = [
    ['ADAIN_MAX_PIXEL', /knows no variable ADAIN_MAX_PIXEL, .* Did you mean ADAIN_MAX_PIXELS\?$/],
    ['ADAIN_STYLE_DIR', /Did you mean ADAIN_STYLES_DIR\?$/],
    ['adain_threads', /Did you mean ADAIN_THREADS\?$/],
    ['ADAINPRESETS', /Did you mean ADAIN_PRESETS\?$/],
    ['ADAIN_PORT', /Did you mean PORT\?$/],
    ['ADAIN_LOG_LEVEL', /Did you mean LOG_LEVEL\?$/],
    ['ADAIN_COLOUR_OF_THE_SKY', /--help lists those that there are\.$/],
  ];
  for (const [name, remedy] of meant) {
    const told = strayVariables({ [name]: '1', PATH: '/bin', ADAIN_DEVICE: 'cpu' });
    t.equal(told.length, 1, name);
    t.match(told[0], remedy);
  }
  const links = { ADAIN_SERVER_SERVICE_HOST: '10.0.0.1', ADAIN_PORT: 'tcp://10.0.0.1:8080' };
  t.same(strayVariables({ ...links, ADAIN_SERVER_PORT_8080_TCP_PROTO: 'tcp' }), []);
});

t.test('--help names every variable with its default', async (t) => {
  const help = configHelp();
  for (const name of Object.keys(readConfig({}))) t.match(help, name);
  t.match(help, /PORT .*\(8080\)/);
});

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
