-- Elasticsearch is overloaded: all workers pause, twice as long as the last time.
-- KEYS gate, closings    ARGV first pause, longest pause (milliseconds), seconds after which closings are forgotten
-- Answers the pause in milliseconds. Closed already, it stays closed as long as it was: several workers that meet the
-- same overload close it once.
local left = redis.call('PTTL', KEYS[1])
if left > 0 then return left end
local closings = redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
count('gate_closings_total')
local pause = math.min(tonumber(ARGV[1]) * 2 ^ (closings - 1), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], 1, 'PX', string.format('%.0f', pause))
return pause
