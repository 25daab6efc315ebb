import type { Painting } from '../client/index.ts';

type Field = readonly [name: string, value: string, isFile: boolean];

const usual: Readonly<Record<string, string>> = {
  alpha: '1',
  strokes: 'auto',
  color: 'style',
  quality: '85',
  frames: 'first',
};

/** @param type of a picture */
export const extensionOf = (type: string): string =>
  type.replace('image/', '').replace('jpeg', 'jpg') || 'jpg';

/** What the code calls a file of several. */
export const numbered = (name: string, count: number, at: number): string =>
  count > 1 ? `${name}${at + 1}` : name;

/** The fields of a form, in their order; of a file its name. */
function fieldsOf(painting: Painting): Field[] {
  const { styles, mask = [], weights, alpha, strokes, color, size, format, quality } = painting;
  const { frames } = painting;
  const texts = { weights, alpha, strokes, color, frames, size, format, quality };
  return [
    ['content', `photo.${extensionOf(painting.content.type)}`, true],
    ...styles.map((style, at): Field =>
      typeof style === 'string'
        ? ['styleId', style, false]
        : ['style', `${numbered('style', styles.length, at)}.jpg`, true],
    ),
    ...mask.map((_, at): Field => ['mask', `${numbered('mask', mask.length, at)}.png`, true]),
    ...Object.entries(texts)
      .map(([name, value = usual[name]]): Field => [name, String(value ?? ''), false])
      .filter(([name, value]) => value !== (usual[name] ?? '')),
  ];
}

/** @param address of POST /stylize */
export function asCurl(painting: Painting, address: string): string {
  const fields = fieldsOf(painting).map(
    ([name, value, isFile]) => `-F ${name}=${isFile ? '@' : ''}${value}`,
  );
  const out = `painted.${extensionOf(painting.format ?? painting.content.type)}`;
  return ['curl --fail-with-body', ...fields, `${address} -o ${out}`].join(' \\\n  ');
}

export function asFetch(painting: Painting, address: string): string {
  const variable = (file: string) => file.replace(/\.\w+$/, '');
  const appends = fieldsOf(painting).map(([name, value, isFile]) =>
    isFile
      ? `form.append('${name}', ${variable(value)}); // a File or Blob`
      : `form.append('${name}', '${value}');`,
  );
  return [
    'const form = new FormData();',
    ...appends,
    `const answer = await fetch('${address}', { method: 'POST', body: form });`,
    'if (!answer.ok) throw new Error((await answer.json()).detail);',
    'const picture = await answer.blob();',
  ].join('\n');
}
