-- The lists of paths become what the records of the images say.
-- KEYS batch, images    ARGV whether to mend ('1' or '0'), path...     Answers how many paths stood in a wrong list.
local wrong = 0
for at = 2, #ARGV do
  local record = record_of(KEYS[2], ARGV[at])
  local right = true
  for status in pairs(counter_of) do
    local listed = redis.call('ZSCORE', paths_of(KEYS[1], status), ARGV[at]) and true or false
    local wanted = record and record.status == status or false
    if listed ~= wanted then
      right = false
      if ARGV[1] == '1' then
        if wanted then redis.call('ZADD', paths_of(KEYS[1], status), 0, ARGV[at])
        else redis.call('ZREM', paths_of(KEYS[1], status), ARGV[at]) end
      end
    end
  end
  if not right then wrong = wrong + 1 end
end
return wrong
