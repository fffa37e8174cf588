-- Images have been written.      KEYS claim of each image      ARGV version of each: a later claim stays.
for at, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'version') == ARGV[at] then redis.call('DEL', key) end
end
