-- A task of a worker has ended.
-- KEYS worker, metrics    ARGV now, images, error (blank where none), then what it has counted: field, amount
redis.call('HINCRBY', KEYS[1], 'images', ARGV[2])
note_rate(KEYS[1], tonumber(ARGV[2]))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[3], 'error_at', ARGV[1]) end
for at = 4, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[2], ARGV[at], ARGV[at + 1]) end
redis.call('EXPIRE', KEYS[1], 86400)
