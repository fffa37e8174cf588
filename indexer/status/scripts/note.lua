-- Something happened to a batch.
-- KEYS batch    ARGV now, what, details (JSON)
if redis.call('EXISTS', KEYS[1]) == 1 then happened(KEYS[1], ARGV[1], ARGV[2], cjson.decode(ARGV[3])) end
