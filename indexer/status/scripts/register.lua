-- Files of a batch are listed: unknown ones become NEW, changed or failed ones NEW again.
-- KEYS batch, images, errors    ARGV now, then for each file: path, size, mtime
-- Answers the paths that have to be indexed.
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local wanted = {}
for at = 2, #ARGV, 3 do
  local path, size, mtime = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local record = record_of(KEYS[2], path) or {}
  local same = record.size == size and record.mtime == mtime
  if not (same and (record.status == 'DONE' or record.status == 'IGNORED')) then
    if not (same and (record.status == 'NEW' or record.status == 'PROCESSING')) then
      redis.call('HDEL', KEYS[3], path)
      record.size, record.mtime = size, mtime
      set_duplicate(KEYS[1], record, false)
      move(KEYS[1], record, 'NEW')
      keep(KEYS[2], path, record)
    end
    wanted[#wanted + 1] = path
  end
end
set_has_error(KEYS[1])
touch(KEYS[1], ARGV[1])
return wanted
