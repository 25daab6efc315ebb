import { PassThrough } from 'node:stream';
import t from 'tap';

import { countParts } from '../../src/http/count-parts.ts';

const form = 'hello\r\n--b\r\n\r\n1\r\n--b\r\n\r\n--\r\n--\r\n--bc\r\n\r\n--b\r\n--b--\r\n--b--';

t.test('parts are counted wherever their delimiters are cut', async (t) => {
  for (let length = 1; length <= form.length; length++) {
    const stream = new PassThrough();
    const counted = countParts(stream, 'b');
    for (let at = 0; at < form.length; at += length) stream.write(form.slice(at, at + length));
    stream.end();
    await new Promise((resolve) => stream.once('end', resolve));
    t.equal(counted.begun, 4, `${length} bytes at once`);
  }
});
