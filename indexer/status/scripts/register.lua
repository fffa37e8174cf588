-- Files of a batch are listed: unknown ones become NEW, changed or failed ones NEW again. Of a cancelled batch they
-- become errors that can be retried. Once a delivery has been listed, a task that lists it again opens no error anew.
-- KEYS batch, images, errors    ARGV now, then for each file: path, size, mtime
-- Answers the paths that have to be indexed.
local state = redis.call('HMGET', KEYS[1], 'name', 'deleting', 'cancelled', 'registered')
if not state[1] or state[2] == '1' then return {} end
local wanted = {}
for at = 2, #ARGV, 3 do
  local path, size, mtime = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local record = record_of(KEYS[2], path) or {}
  local same = record.size == size and record.mtime == mtime
  local is_final = record.status == 'DONE' or record.status == 'IGNORED'
    or (record.status == 'ERROR' and state[4] == '1')
  if same and is_final then
    redis.call('HINCRBY', KEYS[1], 'unchanged', 1)
  elseif same and (record.status == 'NEW' or record.status == 'PROCESSING') then
    wanted[#wanted + 1] = path
  else
    redis.call('HINCRBY', KEYS[1], record.status and 'changed' or 'added', 1)
    redis.call('HDEL', KEYS[3], path)
    record.size, record.mtime = size, mtime
    set_duplicate(KEYS[1], record, false)
    if state[3] == '1' then
      cancel_image(KEYS[1], KEYS[2], KEYS[3], path, record, ARGV[1])
    else
      move(KEYS[1], path, record, 'NEW')
      keep(KEYS[2], path, record)
      wanted[#wanted + 1] = path
    end
  end
end
set_has_error(KEYS[1])
touch(KEYS[1], ARGV[1])
return wanted
