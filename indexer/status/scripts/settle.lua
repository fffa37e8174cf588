-- Images come to their end: DONE, ERROR or IGNORED; or go back to NEW because indexing has to wait.
-- KEYS batch, images, errors    ARGV now, then for each image: path, size, mtime, status, details (JSON)
-- An image that is final already, or whose file has changed since the task read it, is left alone: a task delivered
-- twice changes nothing. Answers 1 when no image of a completely listed batch is open any more, else 0.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local ended, bytes = 0, 0
local without_error = {DONE = 0, IGNORED = 0}
for at = 2, #ARGV, 5 do
  local path, size, mtime, status = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local record = record_of(KEYS[2], path)
  if record and record.size == size and record.mtime == mtime
      and (record.status == 'NEW' or record.status == 'PROCESSING') then
    local details = cjson.decode(ARGV[at + 4])
    move(KEYS[1], path, record, status)
    if status == 'DONE' then
      record.uid = details.uid
      set_duplicate(KEYS[1], record, details.duplicate)
    elseif status == 'ERROR' then
      set_error(KEYS[3], path, details.code, details.reason, ARGV[1])
    end
    keep(KEYS[2], path, record)
    if status ~= 'NEW' then ended, bytes = ended + 1, bytes + size end
    if without_error[status] then without_error[status] = without_error[status] + 1 end
  end
end
note_rate(KEYS[1], ended)
if ended > 0 then
  count('images_total|done|', without_error.DONE)
  count('images_total|ignored|', without_error.IGNORED)
  count('image_file_bytes_total', string.format('%.0f', bytes))
end
set_has_error(KEYS[1])
touch(KEYS[1], ARGV[1])
if redis.call('HGET', KEYS[1], 'registered') == '1' and open_images(KEYS[1]) == 0 then return 1 end
return 0
