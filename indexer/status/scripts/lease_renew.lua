-- KEYS leases    ARGV id, seconds      Never brings an ended lease back.
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[2]), ARGV[1])
