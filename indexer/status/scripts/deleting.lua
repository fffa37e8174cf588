-- A batch is to be deleted: nothing of it is taken any more, and the check for lost work sees to it until it is gone.
-- KEYS batch, active     ARGV now, id, whether its files too ('1' or '0')      Answers 1, or 0 for an unknown batch.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'deleting', '1', 'delete_files', ARGV[3])
redis.call('SADD', KEYS[2], ARGV[2])
touch(KEYS[1], ARGV[1])
return 1
