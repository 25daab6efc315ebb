import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import sharp from 'sharp';
import t from 'tap';

import { problemMediaType, problemSchema } from '../../src/http/problem.ts';
import { randomNumbers } from '../engine/helpers.ts';
import { mutate, soundPictures } from './mutations.ts';
import { peakMemory, start } from './server-process.ts';

/** Each with a content and a style; another seed looks elsewhere. */
const requests = 3000;
const seed = 1;
const clients = 8;

/** Little more than the least: pictures that claim much do not fit. */
const memoryBytes = 704 * 2 ** 20;

t.test('broken pictures and forms get an answer, and nothing else happens', async (t) => {
  const { server, url, log } = await start(t, {
    ADAIN_DEVICE: 'cpu',
    ADAIN_MAX_BATCH: '1',
    ADAIN_MEMORY_BYTES: String(memoryBytes),
    ADAIN_MAX_UPLOAD_BYTES: String(4 * 2 ** 20),
    MALLOC_ARENA_MAX: '2',
  });
  const sound = await soundPictures();
  const random = randomNumbers(seed);
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => {
    agent.destroy();
  });
  const counts = new Map<string, number>();
  let warm = 0;

  /** Forms by number, so that a fault is found again by its own, whatever the order of answers. */
  const forms = Array.from({ length: requests }, () => {
    const one = () => sound[Math.floor(random() * sound.length)] as Buffer;
    const [content, style] = [one(), one()];
    const both = random() < 0.3;
    return multipart(
      [
        ['content', both || random() < 0.6 ? mutate(content, random, sound) : content],
        ['style', both || random() < 0.5 ? mutate(style, random, sound) : style],
      ],
      (form) => (random() < 0.05 ? mutate(form, random, [form]) : form),
    );
  });

  async function visit(number: number): Promise<void> {
    const sent = await send(agent, `${url}/stylize`, forms[number] as Buffer).catch(
      (error: unknown) => {
        t.fail(`form ${number}: ${String(error)}`);
      },
    );
    if (!sent) return;
    const { status, body, type } = sent;
    counts.set(String(status), (counts.get(String(status)) ?? 0) + 1);
    if (status === 200) {
      const { format } = await sharp(body).metadata();
      if (!type.startsWith('image/')) t.fail(`form ${number}: ${type} with a ${format}`);
      return;
    }
    const problem = problemSchema.safeParse(parsed(body));
    if (status >= 500 || !type.startsWith(problemMediaType) || !problem.success) {
      t.fail(`form ${number}: ${status} ${body.toString('latin1', 0, 300)}`);
    } else if (problem.data.status !== status) {
      t.fail(`form ${number}: the document says ${problem.data.status}, the answer ${status}`);
    }
  }

  let next = 0;
  const client = async () => {
    for (let number = next++; number < requests; number = next++) {
      await visit(number);
      if (number === requests / 10) warm = peakMemory(server);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));

  const peak = peakMemory(server);
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  t.comment(Object.fromEntries(counts), `peak ${mebibytes(warm)}, then ${mebibytes(peak)}`);
  t.ok((counts.get('200') ?? 0) > requests / 20, 'some are sound enough to be painted');
  t.ok((counts.get('422') ?? 0) > requests / 5, 'many are not');
  t.ok(peak < memoryBytes, `${mebibytes(peak)} of ${mebibytes(memoryBytes)}`);
  t.same(
    log.filter(({ level }) => level >= 50),
    [],
    'no line of an error',
  );
  t.equal((await fetch(`${url}/livez`)).status, 200);
  server.kill('SIGTERM');
  t.same(await once(server, 'exit'), [0, null], 'it ends as it should');
});

const boundary = 'fuzz';

function multipart(
  files: readonly (readonly [name: string, bytes: Buffer])[],
  change: (form: Buffer) => Buffer,
): Buffer {
  const head = (name: string, more = '') =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const parts = files.flatMap(([name, bytes]) => [
    Buffer.from(head(name, '; filename="a"')),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const size = Buffer.from(`${head('size')}32\r\n--${boundary}--\r\n`);
  return change(Buffer.concat([...parts, size]));
}

async function send(agent: Agent, url: string, form: Buffer) {
  const headers = {
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': form.length,
  };
  const request = httpRequest(url, { agent, method: 'POST', headers });
  request.end(form);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const type = String(response.headers['content-type']);
  return { status: response.statusCode ?? 0, type, body: Buffer.concat(chunks) };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
