-- A task takes images: NEW becomes PROCESSING; what another task has brought to its end is left out.
-- KEYS batch, images    ARGV now, path...
-- Answers path, size, mtime of each image that has to be indexed, as one flat list.
local taken = {}
if redis.call('HGET', KEYS[1], 'deleting') == '1' then return taken end
for at = 2, #ARGV do
  local record = record_of(KEYS[2], ARGV[at])
  if record and (record.status == 'NEW' or record.status == 'PROCESSING') then
    if record.status == 'NEW' then
      move(KEYS[1], ARGV[at], record, 'PROCESSING')
      keep(KEYS[2], ARGV[at], record)
    end
    taken[#taken + 1] = ARGV[at]
    taken[#taken + 1] = string.format('%.0f', record.size)
    taken[#taken + 1] = record.mtime
  end
end
if #taken > 0 then
  redis.call('HSET', KEYS[1], 'status', 'PROCESSING')
  touch(KEYS[1], ARGV[1])
end
return taken
