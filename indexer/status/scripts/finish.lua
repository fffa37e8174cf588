-- The batch is DONE, once: only when all its files are listed and none is open.
-- KEYS batch, active    ARGV now, id     Answers 1 to the one caller that finished it, else 0.
local state = redis.call('HMGET', KEYS[1], 'status', 'registered', 'deleting')
if state[2] ~= '1' or state[3] == '1' or open_images(KEYS[1]) > 0 then return 0 end
redis.call('SREM', KEYS[2], ARGV[2])
if state[1] == 'DONE' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'DONE', 'finished_at', ARGV[1])
local counts = redis.call('HMGET', KEYS[1], 'done', 'error', 'ignored')
happened(KEYS[1], ARGV[1], 'done',
  {done = tonumber(counts[1]), error = tonumber(counts[2]), ignored = tonumber(counts[3])})
touch(KEYS[1], ARGV[1])
return 1
