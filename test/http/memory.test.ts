import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { build, form, hurried, photo, type Field } from '../support/app.ts';
import { fakeEngine, timed, type FakeEngine } from '../support/fake-engine.ts';
import { gate } from '../support/gate.ts';

const content = await photo();
const style = await photo(48, 48, 3);

const withEngine = (t: Test, overrides: Partial<FakeEngine>, environment = {}) =>
  build(t, environment, { createEngine: fakeEngine(overrides) });

t.test('forms and pictures fill no more memory than there is room for', async (t) => {
  const { opened, open } = gate();
  let painting = 0;
  const mebibyte = 2 ** 20;
  // Room for three forms, and for two of these pictures.
  const left = 64 * mebibyte;
  const app = await withEngine(
    t,
    {
      memoryBytes: (7 / 8) * 2 ** 28 - left,
      paint: ({ image }) => {
        painting++;
        return opened.then(() => timed(image));
      },
    },
    {
      ADAIN_MEMORY_BYTES: String(2 ** 28),
      ADAIN_MAX_UPLOAD_BYTES: String(6 * mebibyte),
    },
  );
  const heavy = Buffer.concat([content, Buffer.alloc(5 * mebibyte)]);
  const request = await form(['content', heavy], ['style', style]);
  const held = async (part: string) => {
    const { body } = await app.inject('/metrics');
    return Number(new RegExp(`adain_memory_held_bytes{part="${part}"} (\\d+)`).exec(body)?.[1]);
  };
  // An answer of 504 does not give back what the work still holds. It comes first, and alone: were it
  // too late before it is painted, it would hold nothing.
  const { reply: late } = await hurried(app, request, () => painting > 0);
  t.equal(late.statusCode, 504);
  const second = app.inject(request);
  while (painting < 2) await sleep(5);
  const third = app.inject(request);
  while ((await held('forms')) < 15 * mebibyte) await sleep(5);
  const refused = await app.inject(request);
  t.match(refused.json(), { status: 503, code: 'overloaded', detail: /being sent/ });
  t.match(refused.headers['retry-after'], /^[1-9]$/);
  t.equal(painting, 2, 'the third waits for memory');
  open();
  for (const reply of await Promise.all([second, third])) t.equal(reply.statusCode, 200);
  t.equal((await app.inject(request)).statusCode, 200, 'the room is given back');
  t.same([await held('forms'), await held('pictures')], [0, 0]);
});

t.test('a picture that takes more memory than there is: refused, with the remedy', async (t) => {
  const app = await withEngine(
    t,
    { memoryBytes: (7 / 8) * 2 ** 28 - 36e6 },
    { ADAIN_MEMORY_BYTES: String(2 ** 28), ADAIN_MAX_UPLOAD_BYTES: '9000000' },
  );
  const large = await photo(2000, 1500);
  const request = (...fields: Field[]) =>
    form(['content', large], ['styleId', 'mosaic'], ...fields);
  t.match((await app.inject(await request())).json(), {
    status: 422,
    code: 'too_many_pixels',
    field: 'content',
    detail: /takes up to \d+ MB of memory, and pictures may take 27 MB here\. .*smaller size/,
  });
  const reply = await app.inject(await request(['size', '200'], ['format', 'jpeg']));
  t.equal(reply.statusCode, 200);
});

t.test('a form that is given up gives its memory back, wherever it stands', async (t) => {
  const app = await withEngine(t, {});
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const begun = {
    'before any byte': '',
    'between parts': '--b\r\n',
    'in a text': '--b\r\ncontent-disposition: form-data; name="styleId"\r\n\r\nabc',
    'in a file': '--b\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\nabc',
  };
  const held = async () => {
    const { body } = await app.inject('/metrics');
    return Number(/adain_memory_held_bytes{part="forms"} (\d+)/.exec(body)?.[1]);
  };
  for (const [where, sent] of Object.entries(begun)) {
    for (const ending of ['deadline', 'client']) {
      const asked = once(app.server, 'request');
      const socket = connect(Number(port), '127.0.0.1');
      const patience = ending === 'deadline' ? 'request-timeout: 0.2\r\n' : '';
      socket.write(
        `POST /stylize HTTP/1.1\r\nhost: a\r\n${patience}content-type: multipart/form-data; boundary=b\r\ncontent-length: 700000\r\n\r\n${sent}`,
      );
      if (ending === 'deadline') {
        const [answer] = (await once(socket, 'data')) as [Buffer];
        t.match(String(answer), /^HTTP\/1\.1 408 /, where);
      } else await asked;
      socket.destroy();
      while ((await held()) > 0) await sleep(5);
      t.pass(`${where}, ${ending}`);
    }
  }
});

t.test('who only announces many bytes keeps nobody out', async (t) => {
  const app = await withEngine(t, {}, { ADAIN_MEMORY_BYTES: String(2 ** 30) });
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const { body } = await app.inject('/metrics');
  const capacity = Number(/adain_memory_budget_bytes{part="forms"} ([\d.e+]+)/.exec(body)?.[1]);
  const size = 32 * 2 ** 20;
  let asked = 0;
  app.server.on('request', () => asked++);
  const sockets = Array.from({ length: Math.ceil(capacity / size) }, () => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `POST /stylize HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${size}\r\n\r\n--b\r\n`,
    );
    return socket;
  });
  while (asked < sockets.length) await sleep(5);
  const reply = await app.inject(await form(['content', content], ['style', style]));
  t.equal(reply.statusCode, 200);
  for (const socket of sockets) socket.destroy();
});

t.test('a pipelined request whose connection ends is over, and counted', async (t) => {
  const { opened, open } = gate();
  const app = await withEngine(t, { paint: ({ image }) => opened.then(() => timed(image)) });
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const { payload, headers } = await form(['content', content], ['style', style]);
  const one = `POST /stylize HTTP/1.1\r\nhost: a\r\ncontent-type: ${headers['content-type']}\r\ncontent-length: ${payload.length}\r\n\r\n`;
  const socket = connect(Number(port), '127.0.0.1');
  for (let i = 0; i < 3; i++) {
    socket.write(one);
    socket.write(payload);
  }
  const metrics = async () => (await app.inject('/metrics')).body;
  const painting = 'adain_memory_held_bytes{part="pictures"}';
  while (new RegExp(`${painting} 0$`, 'm').test(await metrics())) await sleep(5);
  socket.destroy();
  await once(socket, 'close');
  const over = 'adain_requests_total{route="/stylize",status="499"} 3';
  while (!(await metrics()).includes(over)) await sleep(5);
  open();
  while (!new RegExp(`${painting} 0$`, 'm').test(await metrics())) await sleep(5);
  t.match(await metrics(), /adain_memory_held_bytes{part="forms"} 0$/m);
});
