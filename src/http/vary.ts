import type { FastifyReply } from 'fastify';

/** Says that the answer follows this header of the request, beside those that are said already. */
export function vary(reply: FastifyReply, header: string): FastifyReply {
  const said = reply.getHeader('vary');
  return reply.header('vary', said === undefined ? header : `${String(said)}, ${header}`);
}
