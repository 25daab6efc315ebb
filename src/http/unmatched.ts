import plugin from 'fastify-plugin';

import { ServiceError } from '../errors.ts';
import { shortened } from '../printable.ts';

/** Ours are shorter. */
const longestPath = 150;

/**
 * What no route takes: OPTIONS is told what the path takes, other methods that and 405 (RFC 9110,
 * section 15.5.6); else 404. To be registered before the routes.
 */
export const unmatched = plugin((app, _options, done) => {
  const routes: { url: string; methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // All paths take OPTIONS: @fastify/cors has a route of that name for what does not exist, too.
    if (url !== '*') routes.push({ url, methods: [method].flat() });
  });
  app.setNotFoundHandler(({ method, url }, reply) => {
    const [path = ''] = url.split('?', 1);
    const asked = shortened(path, longestPath);
    const resource = path.replace(/(?<=.)\/$/, ''); // with a slash at its end it is the same
    const taking = path === '*' ? routes : routes.filter(({ url }) => matches(url, resource));
    const allowed = new Set(taking.flatMap(({ methods }) => methods));
    // A path of files may take the method and not have the file.
    if (allowed.size === 0 || allowed.has(method)) {
      throw new ServiceError('not_found', `There is nothing at ${method} ${asked}; see GET /docs.`);
    }
    const allow = [...allowed.add('OPTIONS')].join(', ');
    reply.header('allow', allow);
    if (method === 'OPTIONS') return reply.code(204).send();
    throw new ServiceError('method_not_allowed', `${asked} takes ${allow}, not ${method}.`);
  });
  done();
});

/** Fastify's patterns: `:name` stands for one segment, a last `*` for any number. */
function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  const open = wanted.at(-1) === '*';
  return (
    (open || wanted.length === given.length) &&
    wanted.every((segment, i) => /^(\*|:.*)$/.test(segment) || segment === given[i])
  );
}
