import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { pictureFormats } from '../../src/imaging/formats.ts';
import { provenanceXmp } from '../../src/imaging/provenance.ts';
import { version } from '../../src/version.ts';
import { build, form, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

const missing = spawnSync('exiftool', ['-ver']).error !== undefined;
const skip = missing && 'NOT CHECKED: exiftool is not installed (apt: libimage-exiftool-perl)';
if (skip) process.stderr.write(`\n${skip}\n\n`);

/** An upload that has metadata of its own, opaque or not. */
async function upload(translucent: boolean): Promise<Buffer> {
  const picture = sharp(await photo()).withExif({ IFD0: { Copyright: 'theirs' } });
  picture.withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">theirs</x:xmpmeta>');
  return translucent ? picture.ensureAlpha(0.5).png().toBuffer() : picture.png().toBuffer();
}

async function results(t: Test, environment: Record<string, string> = {}) {
  const app = await build(t, environment, { createEngine: fakeEngine() });
  const made: [name: string, bytes: Buffer][] = [];
  for (const format of pictureFormats) {
    for (const translucent of [false, true]) {
      const content = await upload(translucent);
      const fields = [
        ['content', content],
        ['styleId', 'mosaic'],
        ['format', format],
      ] as const;
      const { statusCode, rawPayload } = await app.inject(await form(...fields));
      t.equal(statusCode, 200);
      made.push([`${translucent ? 'translucent' : 'opaque'}.${format}`, rawPayload]);
    }
  }
  return made;
}

t.test('every result says that a model has painted it, and nothing of the upload', async (t) => {
  for (const [name, bytes] of await results(t)) {
    const { xmp, exif, icc } = await sharp(bytes).metadata();
    t.match(String(xmp), `CreatorTool="adain-server ${version}, model fake 0.0.0"`, name);
    t.notMatch(String(xmp), 'theirs', name);
    t.ok((xmp?.length ?? 0) < 550, name);
    t.same([exif, icc], [undefined, undefined], name);
  }
});

t.test('exiftool reads it back', { skip }, async (t) => {
  for (const [name, bytes] of await results(t)) {
    const file = join(t.testdir({}), name);
    writeFileSync(file, bytes);
    const tags = ['-XMP-iptcExt:all', '-XMP-xmp:all', '-warning', '-error'];
    const said = execFileSync('exiftool', ['-json', '-n', ...tags, file], { encoding: 'utf8' });
    t.strictSame(
      JSON.parse(said),
      [
        {
          SourceFile: file,
          CreatorTool: `adain-server ${version}, model fake 0.0.0`,
          DigitalSourceType:
            'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia',
        },
      ],
      name,
    );
  }
});

t.test('ADAIN_PROVENANCE=off: nothing but pixels', async (t) => {
  for (const [name, bytes] of await results(t, { ADAIN_PROVENANCE: 'off' })) {
    const { xmp, exif, icc } = await sharp(bytes).metadata();
    t.same([xmp, exif, icc], [undefined, undefined, undefined], name);
  }
});

t.test('a name with signs that mean something in XML', async (t) => {
  t.match(provenanceXmp('<a> & "b"'), 'xmp:CreatorTool="&lt;a> &amp; &quot;b&quot;"');
});
