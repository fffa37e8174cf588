-- A batch is deleted, all that is known of it; its folder does not come back as it stands.
-- KEYS batch, batches, active, deleted, images, errors, paths    ARGV id
local state = redis.call('HMGET', KEYS[1], 'path', 'delivery', 'deleting')
if state[3] ~= '1' then return 0 end
redis.call('HSET', KEYS[4], state[1], state[2])
if redis.call('HGET', KEYS[7], state[1]) == ARGV[1] then redis.call('HDEL', KEYS[7], state[1]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('UNLINK', KEYS[1], KEYS[5], KEYS[6], KEYS[1] .. ':events')
drop_lists(KEYS[1])
return 1
