import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import openapiTs, { astToString } from 'openapi-typescript';
import postman from 'openapi-to-postmanv2';
import sharp from 'sharp';
import t from 'tap';
import ts from 'typescript';

import { build, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { readText, root } from '../docker/files.ts';

// What others make of openapi.yaml: whoever does not write a client by hand meets it there.
const document = readText('openapi.yaml');
const app = await build(t, {}, { createEngine: fakeEngine() });
const url = await app.listen({ port: 0, host: '127.0.0.1' });

t.test("Postman's converter knows every field of the form", async (t) => {
  interface Item {
    item?: Item[];
    request?: { method: string; body?: { formdata: { key: string }[] } };
  }
  const data = await new Promise((resolve, reject) => {
    postman.convert({ type: 'string', data: document }, {}, (error, made) => {
      if (error) reject(new Error('it cannot be converted', { cause: error }));
      else resolve(made?.output?.[0]?.data);
    });
  });
  const flat = (one: Item): Item[] => [one, ...(one.item ?? []).flatMap(flat)];
  const form = flat(data as Item).find(({ request }) => request?.method === 'POST')?.request;
  t.same(form?.body?.formdata.map(({ key }) => key).sort(), [
    ...['alpha', 'color', 'content', 'format', 'frames', 'mask', 'preserveColor', 'quality'],
    ...['size', 'strokes', 'style', 'styleId', 'weights'],
  ]);
});
const typescriptClient = `
import createClient from 'openapi-fetch';
import type { paths } from './api.ts';

const client = createClient<paths>({ baseUrl: 'URL' });

export async function paint(photo: Blob, alpha: number) {
  const { data: list } = await client.GET('/styles');
  const styleId = (list?.styles ?? []).slice(0, 1).map(({ id }) => id);
  const { data, error, response } = await client.POST('/stylize', {
    params: { header: { 'Request-Timeout': 10 } },
    body: { content: photo, styleId, size: 32, alpha, format: 'png' },
    bodySerializer: (body) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(body)) {
        for (const one of [value].flat()) form.append(name, one instanceof Blob ? one : String(one));
      }
      return form;
    },
    parseAs: 'blob',
  });
  const problem: string | undefined = error?.code;
  return { bytes: data as unknown as Blob | undefined, problem, status: response.status };
}
`;

t.test('openapi-typescript and openapi-fetch: types that hold, and a picture', async (t) => {
  const { factory } = ts;
  const blob = factory.createTypeReferenceNode(factory.createIdentifier('Blob'));
  const types = await openapiTs(document, {
    transform: ({ format }) => (format === 'binary' ? blob : undefined),
  });
  const folder = t.testdir({
    'api.ts': astToString(types),
    'client.ts': typescriptClient.replace('URL', url),
  });
  const path = join(folder, 'client.ts');
  const { options } = ts.convertCompilerOptionsFromJson(
    { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, skipLibCheck: true },
    folder,
  );
  const program = ts.createProgram([path], {
    ...options,
    allowImportingTsExtensions: true,
    types: ['node'],
    typeRoots: [root('node_modules/@types')],
  });
  const messages = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  t.same(messages, []);

  const { paint } = (await import(path)) as {
    paint: (
      photo: Blob,
      alpha: number,
    ) => Promise<{ bytes?: Blob; problem?: string; status: number }>;
  };
  const content = new Blob([new Uint8Array(await photo())]);
  const { bytes, status } = await paint(content, 1);
  t.equal(status, 200);
  const made = await sharp(await bytes?.arrayBuffer()).metadata();
  t.match(made, { format: 'png', width: 32 });
  t.match(await paint(content, 7), { status: 400, problem: 'invalid_value' });
});

const pythonClient = `
import sys
sys.path.insert(0, sys.argv[1])
from adain_server_client import Client
from adain_server_client.api.styles import list_styles
from adain_server_client.api.stylization import stylize
from adain_server_client.models import StylizeBody, StylizeBodyFormat
from adain_server_client.types import File

client = Client(base_url=sys.argv[2])
style = list_styles.sync(client=client).styles[0].id
with open(sys.argv[3], 'rb') as photo:
    body = StylizeBody(content=File(payload=photo, file_name='photo.png'),
                       style_id=[style], size=32, format_=StylizeBodyFormat.PNG)
    answer = stylize.sync_detailed(client=client, body=body)
sys.stdout.buffer.write(answer.content)
sys.exit(0 if answer.status_code == 200 else 1)
`;

const generator = 'openapi-python-client';
const missing = spawnSync(generator, ['--version']).error !== undefined;
const skip = missing && `NOT CHECKED: ${generator} is not installed (pip)`;
if (skip) process.stderr.write(`\n${skip}\n\n`);

t.test('openapi-python-client: a picture', { skip }, async (t) => {
  const folder = t.testdir({ 'client.py': pythonClient });
  writeFileSync(join(folder, 'photo.png'), await photo());
  const output = join(folder, 'client');
  const generate = ['generate', '--path', root('openapi.yaml'), '--output-path', output];
  execFileSync(generator, generate, { stdio: 'pipe' });
  const script = [join(folder, 'client.py'), output, url, join(folder, 'photo.png')];
  // The interpreter that has what generated clients import.
  const python = execFileSync('sh', ['-c', `head -1 "$(command -v ${generator})"`]);
  const interpreter = python.toString().replace('#!', '').trim();
  const bytes = await run(interpreter, script);
  t.match(await sharp(bytes).metadata(), { format: 'png', width: 32 });
});

/** What a program writes; the event loop goes on, as the program asks this process. */
async function run(file: string, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(file, args, { encoding: 'buffer' });
  return stdout;
}
