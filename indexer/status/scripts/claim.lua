-- Tasks say which images they are about to write, so that files of one SOPInstanceUID that are written at the same time
-- know of each other, and the later one wins.
-- KEYS claim of each image      ARGV seconds, then for each image: place (JSON), least version
-- Answers for each image its version (microseconds since 1970) and the places claimed before and not given up, the
-- latest first, one a line.
local longest = 20000
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local answers = {}
for at, key in ipairs(KEYS) do
  local place, version = ARGV[2 * at], math.max(now, tonumber(ARGV[2 * at + 1]))
  local before = redis.call('HMGET', key, 'places', 'version')
  local places = before[1] or ''
  if before[2] then version = math.max(version, tonumber(before[2]) + 1) end
  local all = place .. '\n' .. places
  if #all > longest then all = place end
  redis.call('HSET', key, 'places', all, 'version', string.format('%.0f', version))
  redis.call('EXPIRE', key, ARGV[1])
  answers[#answers + 1] = string.format('%.0f', version)
  answers[#answers + 1] = places
end
return answers
