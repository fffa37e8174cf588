-- Images leave the batch, because their files have.
-- KEYS batch, images, errors    ARGV now, path...     Answers how many did; one that is open stays.
local forgotten = 0
for at = 2, #ARGV do
  local path = ARGV[at]
  local record = record_of(KEYS[2], path)
  if record and record.status ~= 'NEW' and record.status ~= 'PROCESSING' then
    set_duplicate(KEYS[1], record, false)
    move(KEYS[1], path, record, nil)
    redis.call('HDEL', KEYS[2], path)
    redis.call('HDEL', KEYS[3], path)
    forgotten = forgotten + 1
  end
end
set_has_error(KEYS[1])
touch(KEYS[1], ARGV[1])
return forgotten
