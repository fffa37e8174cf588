-- Images have been written.      KEYS claim of each image      ARGV version and place of each: a later claim stays.
-- Answers the numbers of those whose claim is not there any more, and in no later one: it was given up by a later one
-- that knew of it, or Redis has lost it.
local gone = {}
for at, key in ipairs(KEYS) do
  local found = redis.call('HMGET', key, 'places', 'version')
  if found[2] == ARGV[2 * at - 1] then
    redis.call('DEL', key)
  elseif not found[1] or not string.find(found[1], ARGV[2 * at] .. '\n', 1, true) then
    gone[#gone + 1] = at
  end
end
return gone
