-- A batch begins, or is delivered again.
-- KEYS batch, batches, active    ARGV id, name, path, source, delivery, now
-- Answers 'created', 'delivered' (known, and this delivery is new), 'known' (this very delivery was seen) or 'taken'
-- (the id belongs to another folder).
local id, name, path, source, delivery, now = unpack(ARGV)
local answer = 'created'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local old = redis.call('HMGET', KEYS[1], 'path', 'delivery')
  if old[1] ~= path then return 'taken' end
  if old[2] == delivery then return 'known' end
  answer = 'delivered'
  redis.call('HDEL', KEYS[1], 'finished_at')
  redis.call('HSET', KEYS[1], 'status', 'PROCESSING')
else
  redis.call('HSET', KEYS[1], 'name', name, 'path', path, 'source', source, 'status', 'NEW', 'has_error', '0',
    'total', 0, 'new', 0, 'processing', 0, 'done', 0, 'error', 0, 'ignored', 0, 'duplicates', 0,
    'add_date', now, 'tags', '[]')
  redis.call('ZADD', KEYS[2], now, id)
end
redis.call('HSET', KEYS[1], 'delivery', delivery, 'registered', '0', 'modify_date', now)
redis.call('SADD', KEYS[3], id)
return answer
