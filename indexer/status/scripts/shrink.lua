-- Of a batch that is DONE without errors only the counts are kept: the index knows its images.
-- KEYS batch, images    ARGV now        Answers 1 when it shrank, else 0.
local state = redis.call('HMGET', KEYS[1], 'status', 'has_error', 'deleting', 'shrunk')
if state[1] ~= 'DONE' or state[2] == '1' or state[3] == '1' or state[4] == '1' then return 0 end
redis.call('UNLINK', KEYS[2])
drop_lists(KEYS[1])
redis.call('HSET', KEYS[1], 'shrunk', '1')
happened(KEYS[1], ARGV[1], 'shrunk', {})
return 1
