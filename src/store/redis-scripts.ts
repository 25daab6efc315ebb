/** What must happen in one step, in Redis' Lua. */

/**
 * A style's hash and the index; its id, the most that there may be, and its fields with values. A
 * script that has written may write on where memory is out: a new style's first write is refused.
 */
export const claim = `
local known = redis.call('EXISTS', KEYS[1]) == 1
if not known and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[2]) then return 'full' end
if known then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return known and 'replaced' or 'created'`;

/** A style's hash; the version that it must have, and a field with its value. */
export const describe = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1`;

/** A style's hash; fields with values. */
export const retext = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if #ARGV > 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end
return 1`;

/** A style's hash and the index; its id. */
export const drop = `
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`;
