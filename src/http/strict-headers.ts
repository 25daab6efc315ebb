import plugin from 'fastify-plugin';

import { ServiceError } from '../errors.ts';

/** Of a URI (RFC 3986, section 3.2.2), with or without a port. */
const host = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?$/i;

/**
 * Refuses what Node would refuse without a word, or let through, though HTTP does not: requests
 * without one valid Host (RFC 9112, section 3.2), and expectations other than to be asked for the body
 * (RFC 9110, section 10.1.1). Who may have meant another request than we read is not read on.
 */
export const strictHeaders = plugin((app, _options, done) => {
  // Node answers 417 itself unless somebody listens.
  app.server.on('checkExpectation', (request, response) => {
    app.routing(request, response);
  });
  app.addHook('onRequest', (request, reply, next) => {
    const { rawHeaders, httpVersionMinor, headers } = request.raw;
    const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
    const isHttp10 = httpVersionMinor === 0;
    const refuse = (
      code: 'malformed_request' | 'expectation_failed',
      text: string,
      field: string,
    ) => {
      reply.header('connection', 'close');
      next(new ServiceError(code, text, { field }));
    };
    if (hosts.length > 1 || (hosts.length === 0 && !isHttp10)) {
      const text = `The request has ${hosts.length} Host headers. Send one, with the name of the server.`;
      refuse('malformed_request', text, 'Host');
    } else if (!host.test(headers.host ?? '')) {
      const text =
        'The Host header is no host. Send the name of the server, and its port if it has one.';
      refuse('malformed_request', text, 'Host');
    } else if (!isHttp10 && !/^(100-continue)?$/i.test(headers.expect ?? '')) {
      const text =
        'The Expect header asks for something unknown. Send 100-continue or leave it out.';
      refuse('expectation_failed', text, 'Expect');
    } else next();
  });
  done();
});
