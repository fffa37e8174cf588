-- A batch begins, or is delivered again.
-- KEYS batch, batches, active, deleted, images, errors, paths    ARGV id, name, path, source, delivery, now
-- Answers 'created', 'delivered' (known, and this delivery is new), 'known' (this very delivery was seen, also if its
-- batch was deleted), 'taken' (the id belongs to another folder) or 'deleting' (wait until it is deleted).
local id, name, path, source, delivery, now = unpack(ARGV)
local answer = 'created'
if redis.call('HGET', KEYS[4], path) == delivery then return 'known' end
if redis.call('EXISTS', KEYS[1]) == 1 then
  local old = redis.call('HMGET', KEYS[1], 'path', 'delivery', 'deleting', 'shrunk')
  if old[1] ~= path then return 'taken' end
  if old[3] == '1' then return 'deleting' end
  if old[2] == delivery then return 'known' end
  answer = 'delivered'
  if old[4] == '1' then
    -- Which files were done is not known any more: all are listed, and indexed, again.
    redis.call('UNLINK', KEYS[5], KEYS[6])
    drop_lists(KEYS[1])
    for _, counter in pairs(counter_of) do redis.call('HSET', KEYS[1], counter, 0) end
    redis.call('HSET', KEYS[1], 'total', 0, 'duplicates', 0, 'has_error', '0')
    redis.call('HDEL', KEYS[1], 'shrunk')
  end
  open_again(KEYS[1], KEYS[3], id)
else
  redis.call('HSET', KEYS[1], 'name', name, 'path', path, 'source', source, 'status', 'NEW', 'has_error', '0',
    'total', 0, 'new', 0, 'processing', 0, 'done', 0, 'error', 0, 'ignored', 0, 'duplicates', 0,
    'add_date', now, 'tags', '[]')
  redis.call('ZADD', KEYS[2], now, id)
  redis.call('SADD', KEYS[3], id)
end
redis.call('HDEL', KEYS[4], path)
redis.call('HSET', KEYS[7], path, id)
redis.call('HSET', KEYS[1], 'delivery', delivery, 'registered', '0', 'modify_date', now,
  'added', 0, 'changed', 0, 'unchanged', 0)
happened(KEYS[1], now, answer, {source = source})
return answer
