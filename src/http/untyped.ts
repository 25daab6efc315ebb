import plugin from 'fastify-plugin';

/**
 * Many clients send a Content-Type always. Where a route takes no body and none has come, it says
 * nothing: else its parser would complain of the empty body, or nobody take the type.
 */
export const untyped = plugin((app, _options, done) => {
  app.addHook('preParsing', ({ raw: { headers }, routeOptions }, _reply, payload, next) => {
    const length = headers['content-length'] ?? '0';
    const hasBody = headers['transfer-encoding'] !== undefined || length !== '0';
    if (!hasBody && routeOptions.schema?.body === undefined) delete headers['content-type'];
    next(null, payload);
  });
  done();
});
