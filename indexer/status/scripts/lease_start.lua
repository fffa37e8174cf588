-- A task begins or begins again. Time is Redis's own, so that clocks of workers do not matter.
-- KEYS leases, lease    ARGV id, batch, paths (JSON), worker, seconds, tries
-- Answers how often this task was begun, and how many seconds ago it was begun the last time (0 the first time).
local now = tonumber(redis.call('TIME')[1])
local before = tonumber(redis.call('HGET', KEYS[2], 'started') or now)
redis.call('HSETNX', KEYS[2], 'tries', ARGV[6])
local tries = redis.call('HINCRBY', KEYS[2], 'tries', 1)
redis.call('HSET', KEYS[2], 'batch', ARGV[2], 'paths', ARGV[3], 'worker', ARGV[4], 'started', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[5]), ARGV[1])
return {tries, now - before}
