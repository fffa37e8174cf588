-- The counters become what the lists of paths say.
-- KEYS batch    ARGV now     Answers 1 when one of them was wrong, else 0.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local wrong, total = 0, 0
for status, counter in pairs(counter_of) do
  local paths = redis.call('ZCARD', paths_of(KEYS[1], status))
  total = total + paths
  if tonumber(redis.call('HGET', KEYS[1], counter)) ~= paths then wrong = 1 end
  redis.call('HSET', KEYS[1], counter, paths)
end
if tonumber(redis.call('HGET', KEYS[1], 'total')) ~= total then wrong = 1 end
redis.call('HSET', KEYS[1], 'total', total)
set_has_error(KEYS[1])
if wrong == 1 then touch(KEYS[1], ARGV[1]) end
return wrong
