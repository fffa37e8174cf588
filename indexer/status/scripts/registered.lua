-- Every file of the batch has been listed.
-- KEYS batch    ARGV now      Answers 1 when none of its images is open, else 0.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HGET', KEYS[1], 'registered') ~= '1' then
  local counts = redis.call('HMGET', KEYS[1], 'added', 'changed', 'unchanged')
  happened(KEYS[1], ARGV[1], 'listed',
    {added = tonumber(counts[1]), changed = tonumber(counts[2]), unchanged = tonumber(counts[3])})
end
redis.call('HSET', KEYS[1], 'registered', '1')
touch(KEYS[1], ARGV[1])
return open_images(KEYS[1]) == 0 and 1 or 0
