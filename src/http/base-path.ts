/** Scheme and authority, as a proxy is told them; a server takes them too (RFC 9112, section 3.2.2). */
const origin = /^https?:\/\/[^/?#]*/i;

/** The address as the routes know it: some proxies take the base path off, and some pass it on. */
export function withoutBase(target: string, basePath: string): string {
  const url = origin.test(target) ? target.replace(origin, '') || '/' : target;
  const rest = url.startsWith(basePath) ? url.slice(basePath.length) : url;
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url;
}
