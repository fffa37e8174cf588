-- A task of a worker has ended.
-- KEYS worker    ARGV now, images, error (blank where none)
redis.call('HINCRBY', KEYS[1], 'images', ARGV[2])
note_rate(KEYS[1], tonumber(ARGV[2]))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[3], 'error_at', ARGV[1]) end
redis.call('EXPIRE', KEYS[1], 86400)
