import plugin from 'fastify-plugin';

/**
 * Many clients send a Content-Type always, and some an empty body in chunks. Where a route takes none,
 * what is said of a body says nothing: else its parser would complain, or nobody take the type.
 */
export const untyped = plugin((app, _options, done) => {
  app.addHook('preParsing', ({ raw: { headers }, routeOptions }, _reply, payload, next) => {
    if (routeOptions.schema?.body === undefined) {
      delete headers['content-type'];
      delete headers['content-length'];
      delete headers['transfer-encoding'];
    }
    next(null, payload);
  });
  done();
});
