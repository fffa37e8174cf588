-- The batch is DONE, once: only when all its files are listed and none is open.
-- KEYS batch, active, outboxes...    ARGV now, id     Answers 1 to the one caller that finished it, else 0.
local state = redis.call('HMGET', KEYS[1], 'status', 'registered', 'deleting', 'name', 'has_error')
if state[2] ~= '1' or state[3] == '1' or open_images(KEYS[1]) > 0 then return 0 end
redis.call('SREM', KEYS[2], ARGV[2])
if state[1] == 'DONE' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'DONE', 'finished_at', ARGV[1])
local counts = {}
for _, name in ipairs({'total', 'done', 'error', 'ignored', 'duplicates'}) do
  counts[name] = tonumber(redis.call('HGET', KEYS[1], name))
end
happened(KEYS[1], ARGV[1], 'done', {done = counts.done, error = counts.error, ignored = counts.ignored})
for at = 3, #KEYS do
  redis.call('RPUSH', KEYS[at], cjson.encode({
    event = 'batch.done', at = tonumber(ARGV[1]),
    batch = {id = ARGV[2], name = state[4], has_error = state[5] == '1', counts = counts}}))
end
touch(KEYS[1], ARGV[1])
return 1
