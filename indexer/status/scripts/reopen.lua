-- Images that were final are to be indexed again.
-- KEYS batch, images, errors, active    ARGV now, id, states (as 'ERROR' or 'DONE ERROR'), path...
-- Answers the paths of those that are NEW now: the ones in one of these states.
local state = redis.call('HMGET', KEYS[1], 'name', 'deleting')
if not state[1] or state[2] == '1' then return {} end
local opened = {}
for at = 4, #ARGV do
  local path = ARGV[at]
  local record = record_of(KEYS[2], path)
  if record and string.find(ARGV[3], record.status, 1, true) then
    redis.call('HDEL', KEYS[3], path)
    set_duplicate(KEYS[1], record, false)
    move(KEYS[1], path, record, 'NEW')
    keep(KEYS[2], path, record)
    opened[#opened + 1] = path
  end
end
if #opened > 0 then
  open_again(KEYS[1], KEYS[4], ARGV[2])
  set_has_error(KEYS[1])
  touch(KEYS[1], ARGV[1])
end
return opened
