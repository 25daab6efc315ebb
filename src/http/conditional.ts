import plugin from 'fastify-plugin';
import { createHash } from 'node:crypto';

/**
 * Tags what GET answers by its content, and answers 304 to who has it already (RFC 9110, section
 * 13.1.2).
 */
export const conditional = plugin((app, _options, done) => {
  app.addHook('onSend', async (request, reply, payload) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || reply.statusCode !== 200) return payload;
    const etag = `"${createHash('sha1')
      .update(payload as string | Buffer)
      .digest('base64')}"`;
    reply.header('etag', etag);
    if (!names(request.headers['if-none-match'], etag)) return payload;
    reply.code(304).removeHeader('content-type');
    // Fastify takes the length for HEAD from it; a length of 0 would be that of another content.
    return request.method === 'HEAD' ? payload : null;
  });
  done();
});

function names(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const tags: readonly string[] = header.match(/"[^"]*"/g) ?? [];
  return header.trim() === '*' || tags.includes(etag);
}
