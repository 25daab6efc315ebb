import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page, Route } from 'playwright-core';
import type { Test } from 'tap';

import type { Parts } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { build } from '../support/app.ts';
import { newPage } from '../support/chromium.ts';

/** What a form had, by field. */
export type Sent = Record<string, (string | Buffer)[]>;

export interface Visit {
  readonly page: Page;
  readonly url: string;
  /** What went wrong in the page, and what it asked of others than the service. */
  readonly complaints: string[];
  /** The forms of POST /stylize that came whole, in their order. */
  readonly forms: Sent[];
  /** Waits for the next form that is as the check wants it. */
  readonly form: (check: (form: Sent) => boolean) => Promise<Sent>;
  /** Of requests of POST /stylize at once. */
  readonly most: () => number;
}

/** A service, by default on the real model and with every preset, whose page is opened by `visit`. */
export async function serve(
  t: Test,
  environment: Record<string, string> = {},
  parts: Partial<Parts> = {},
) {
  const app = await build(t, environment, parts);
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  const url = origin + (environment['ADAIN_BASE_PATH'] ?? '');
  return (t: Test, fragment = '', ...args: string[]) => visit(t, app.server, url, fragment, args);
}

/**
 * The environment of a service with four presets, for whatever is not about the contact sheet, which
 * is painted anew in every preset of every photograph.
 */
export function fewPresets(t: Test): Record<string, string> {
  const models = readConfig({}).ADAIN_MODELS_DIR;
  const folder = mkdtempSync(join(tmpdir(), 'few-presets-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(join(folder, 'styles'));
  const catalog = JSON.parse(readFileSync(join(models, 'styles/catalog.json'), 'utf8')) as {
    styles: { id: string; file: string }[];
  };
  const few = ['mosaic', 'ink-wash', 'woodcut', 'cubist'];
  const styles = catalog.styles.filter(({ id }) => few.includes(id));
  writeFileSync(join(folder, 'styles/catalog.json'), JSON.stringify({ styles }));
  const pictures = ['statistics.bin', ...styles.map(({ file }) => file)];
  const files = ['model.json', 'encoder.onnx', 'decoder.onnx'];
  for (const name of [...files, ...pictures.map((name) => `styles/${name}`)]) {
    symlinkSync(join(models, name), join(folder, name));
  }
  return { ADAIN_MODELS_DIR: folder };
}

async function visit(
  t: Test,
  server: Server,
  url: string,
  fragment: string,
  args: readonly string[],
): Promise<Visit> {
  const forms: Sent[] = [];
  const waiting = new Set<() => void>();
  let [current, most] = [0, 0];
  const follow = (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.endsWith('/stylize')) return;
    most = Math.max(most, ++current);
    response.on('close', () => current--);
    listen(request, (form) => {
      forms.push(form);
      for (const look of waiting) look();
    });
  };
  server.prependListener('request', follow);
  t.teardown(() => server.off('request', follow));
  const page = await newPage(t, ...args);
  const complaints = listenTo(page, url);
  await page.emulateMedia({ reducedMotion: 'reduce' }); // it is where it is scrolled to at once
  // By then the presets are listed, with which all that was chosen is painted anew.
  await Promise.all([page.waitForRequest(/kind=registered/), page.goto(`${url}/${fragment}`)]);
  const form = (check: (form: Sent) => boolean) => {
    const from = forms.length;
    return new Promise<Sent>((resolve) => {
      const look = () => {
        const found = forms.slice(from).find(check);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
    });
  };
  return { page, url, complaints, forms, form, most: () => most };
}

function listenTo(page: Page, url: string): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => {
    const own = [url, `blob:${new URL(url).origin}`, 'data:'].some((start) =>
      request.url().startsWith(start),
    );
    if (!own) complaints.push(`it asks for ${request.url()}`);
  });
  return complaints;
}

/** Reads along what a request sends, and takes nothing away. */
function listen(request: IncomingMessage, done: (form: Sent) => void): void {
  const chunks: Buffer[] = [];
  const emit = request.emit.bind(request);
  request.emit = (name: string, ...args: unknown[]) => {
    if (name === 'data') chunks.push(args[0] as Buffer);
    if (name === 'end') done(parse(Buffer.concat(chunks), request.headers['content-type'] ?? ''));
    return emit(name, ...args);
  };
}

function parse(body: Buffer, type: string): Sent {
  const boundary = /boundary=(.*)/.exec(type)?.[1] ?? '';
  const form: Sent = {};
  for (const part of body.toString('latin1').split(`--${boundary}`).slice(1, -1)) {
    const [head = ''] = part.split('\r\n\r\n', 1);
    const name = /name="([^"]*)"/.exec(head)?.[1] ?? '';
    const value = part.slice(head.length + 4, -2);
    (form[name] ??= []).push(
      head.includes('filename=')
        ? Buffer.from(value, 'latin1')
        : Buffer.from(value, 'latin1').toString(),
    );
  }
  return form;
}

export const choose = (page: Page, input: string, name: string, buffer: Buffer) =>
  page.setInputFiles(input, { name, mimeType: `image/${name.split('.')[1] ?? ''}`, buffer });

/** Waits until it holds in the page. */
export async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate<boolean>(expression))) await page.waitForTimeout(20);
}

/** Waits until the contact sheet is whole. */
export const sheetDone = (page: Page) =>
  page.waitForSelector('#tiles:has(li):not(:has(.painted[hidden]))');

/** Chooses another photograph, and waits until no picture of the contact sheet is as it was. */
export async function sheetDoneAnew(page: Page, act: () => Promise<void>): Promise<void> {
  await page.evaluate(`{
    globalThis.tiles = [...document.querySelectorAll('#tiles .painted')];
    for (const image of tiles) image.dataset.was = image.src;
  }`);
  await act();
  await until(page, 'tiles.every(({ hidden, src, dataset }) => !hidden && src !== dataset.was)');
}

/** Holds what is asked for at such an address, once or more often. */
export async function hold(page: Page, address: string, times?: number) {
  const held: Route[] = [];
  await page.route(address, (route) => void held.push(route), { ...(times && { times }) });
  return async (at: number): Promise<Route> => {
    while (!held[at]) await page.waitForTimeout(10);
    return held[at];
  };
}

/** @returns what waits until the status has said it, for however short a time */
export async function hear(page: Page): Promise<(text: string) => Promise<void>> {
  await page.evaluate(`{
    globalThis.heard = [];
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) heard.push(...[...addedNodes].map(({ data }) => data));
    }).observe(document.querySelector('#status'), { childList: true });
  }`);
  return (text) => until(page, `heard.some((said) => said.includes('${text}'))`);
}

/** Chooses a style, and waits for its painting. */
export async function pick(page: Page, style: string): Promise<void> {
  await page.click(`#tiles [data-style=${style}] .pick`);
  await painted(page);
}

export async function painted(page: Page): Promise<void> {
  await page.waitForSelector('#after:not([hidden])');
  await page.waitForSelector('#frame:not(.is-busy)');
}

/** @returns what tells how many object URLs there are more than now */
export async function countUrls(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`{
    let open = 0;
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (blob) => (open++, createObjectURL.call(URL, blob));
    URL.revokeObjectURL = (url) => (/^blob:/.test(url) && open--, revokeObjectURL.call(URL, url));
    globalThis.openUrls = () => open;
  }`);
  return () => page.evaluate<number>('openUrls()');
}

/** A drop of a picture on an element. */
export async function drop(page: Page, selector: string, name: string, bytes: Buffer) {
  const dataTransfer = await page.evaluateHandle(`{
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob('${bytes.toString('base64')}'), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], '${name}', { type: 'image/png' }));
    transfer;
  }`);
  await page.dispatchEvent(selector, 'drop', { dataTransfer });
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: { readonly html: string }[];
}

/** What axe finds serious or worse, and where. */
export async function seriousFindings(page: Page): Promise<string[][]> {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const { violations, passes } =
    await page.evaluate<Record<'violations' | 'passes', Finding[]>>('axe.run()');
  if (passes.length < 10) throw new Error('axe has not looked');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
}
