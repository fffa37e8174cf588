-- An operation on a whole batch begins, unless another one is under way: a batch has one at a time.
-- KEYS leases, lease    ARGV id, batch, operation, who, seconds
-- Answers '' when it may begin, else the operation that is under way. One that was found lost gives way.
local now = tonumber(redis.call('TIME')[1])
local until_when = redis.call('ZSCORE', KEYS[1], ARGV[1])
local other = redis.call('HMGET', KEYS[2], 'operation', 'lost')
if until_when and tonumber(until_when) > now and other[1] and other[2] ~= '1' then return other[1] end
redis.call('HDEL', KEYS[2], 'lost')
redis.call('HSET', KEYS[2], 'batch', ARGV[2], 'paths', '[]', 'operation', ARGV[3], 'worker', ARGV[4], 'started', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[5]), ARGV[1])
return ''
