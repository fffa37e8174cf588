-- Shared by all scripts of this folder: an image's record, and moving it between states with all that depends on them.

local counter_of = {NEW = 'new', PROCESSING = 'processing', DONE = 'done', ERROR = 'error', IGNORED = 'ignored'}

local function record_of(images, path)
  local text = redis.call('HGET', images, path)
  return text and cjson.decode(text)
end

-- What is counted for metrics never goes down, whatever becomes of the batch; names: indexer/metrics/catalogue.py.
local function count(what, amount)
  redis.call('HINCRBY', 'metrics', what, amount or 1)
end

local function touch(batch, now)
  redis.call('HSET', batch, 'modify_date', now)
end

-- The paths of the images of one status, in the order of their bytes.
local function paths_of(batch, status)
  return batch .. ':paths:' .. status
end

-- Counters and lists of paths change here and nowhere else, so that they always equal a recount. A status of nil takes
-- the image out of the batch.
local function move(batch, path, record, status)
  if record.status then
    redis.call('HINCRBY', batch, counter_of[record.status], -1)
    redis.call('ZREM', paths_of(batch, record.status), path)
  else
    redis.call('HINCRBY', batch, 'total', 1)
  end
  if status then
    redis.call('HINCRBY', batch, counter_of[status], 1)
    redis.call('ZADD', paths_of(batch, status), 0, path)
  else
    redis.call('HINCRBY', batch, 'total', -1)
  end
  record.status = status
end

local function set_duplicate(batch, record, duplicate)
  local was = record.duplicate and 1 or 0
  local is = duplicate and 1 or 0
  if was ~= is then redis.call('HINCRBY', batch, 'duplicates', is - was) end
  if is > was then count('image_duplicates_total') end
  record.duplicate = duplicate and true or nil
end

local function keep(images, path, record)
  redis.call('HSET', images, path, cjson.encode(record))
end

local function set_error(errors, path, code, reason, now)
  count('images_total|error|' .. code)
  redis.call('HSET', errors, path, cjson.encode({code = code, reason = reason, at = now}))
end

-- An image that nobody has begun becomes an error that can be retried.
local function cancel_image(batch, images, errors, path, record, now)
  move(batch, path, record, 'ERROR')
  set_error(errors, path, 'cancelled', 'the import was cancelled before the file was read', now)
  keep(images, path, record)
end

-- The lists of paths go; what else there is of the images has to go with them.
local function drop_lists(batch)
  for status in pairs(counter_of) do redis.call('UNLINK', paths_of(batch, status)) end
end

local function set_has_error(batch)
  local errors = tonumber(redis.call('HGET', batch, 'error') or '0')
  redis.call('HSET', batch, 'has_error', errors > 0 and '1' or '0')
end

local function open_images(batch)
  local counts = redis.call('HMGET', batch, 'new', 'processing')
  return tonumber(counts[1] or '0') + tonumber(counts[2] or '0')
end

-- A batch that has been DONE has something to do again.
local function open_again(batch, active, id)
  redis.call('HDEL', batch, 'finished_at', 'cancelled')
  redis.call('HSET', batch, 'status', 'PROCESSING')
  redis.call('SADD', active, id)
end

-- What happened to a batch, the latest last; the oldest are forgotten.
local function happened(batch, now, what, details)
  redis.call('RPUSH', batch .. ':events', cjson.encode({at = now, what = what, details = details}))
  redis.call('LTRIM', batch .. ':events', -200, -1)
end

-- Images per second, the last half minute counting most. Redis's own clock, so that clocks of workers do not matter.
local function note_rate(key, images)
  local clock = redis.call('TIME')
  local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
  local known = redis.call('HMGET', key, 'rate', 'rate_at')
  local gone = known[2] and math.max(0, now - tonumber(known[2])) or 0
  local rate = tonumber(known[1] or '0') * math.exp(-gone / 30) + images / 30
  redis.call('HSET', key, 'rate', string.format('%.6f', rate), 'rate_at', string.format('%.3f', now))
end
