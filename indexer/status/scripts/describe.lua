-- Tags and notes that people give a batch.
-- KEYS batch    ARGV now, then field, value pairs       Answers 1, or 0 where there is no such batch.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for at = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
touch(KEYS[1], ARGV[1])
return 1
