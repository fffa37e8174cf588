-- Some of the images that nobody has taken yet become errors that can be retried, and so will those that are still to
-- be listed. What a task has taken comes to its own end.
-- KEYS batch, images, errors    ARGV now, how many at most     Answers how many did.
local state = redis.call('HMGET', KEYS[1], 'status', 'cancelled')
if not state[1] or state[1] == 'DONE' then return 0 end
if state[2] ~= '1' then
  redis.call('HSET', KEYS[1], 'cancelled', '1')
  happened(KEYS[1], ARGV[1], 'cancelled', {})
end
local paths = redis.call('ZRANGE', paths_of(KEYS[1], 'NEW'), 0, tonumber(ARGV[2]) - 1)
for _, path in ipairs(paths) do
  cancel_image(KEYS[1], KEYS[2], KEYS[3], path, record_of(KEYS[2], path), ARGV[1])
end
set_has_error(KEYS[1])
touch(KEYS[1], ARGV[1])
return #paths
