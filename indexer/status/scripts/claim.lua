-- Tasks say which images they are about to write, so that two files of one SOPInstanceUID that are written at the same
-- time know of each other, and the later one wins.
-- KEYS claim of each image      ARGV seconds, then for each image: place (JSON), least version
-- Answers for each image its version (microseconds since 1970) and the place claimed before, or '' where there is none.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local answers = {}
for at, key in ipairs(KEYS) do
  local place, version = ARGV[2 * at], math.max(now, tonumber(ARGV[2 * at + 1]))
  local before = redis.call('HMGET', key, 'place', 'version')
  if before[1] then version = math.max(version, tonumber(before[2]) + 1) end
  redis.call('HSET', key, 'place', place, 'version', string.format('%.0f', version))
  redis.call('EXPIRE', key, ARGV[1])
  answers[#answers + 1] = string.format('%.0f', version)
  answers[#answers + 1] = before[1] or ''
end
return answers
