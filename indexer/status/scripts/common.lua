-- Shared by all scripts of this folder: an image's record, and moving it between states with the counters.

local counter_of = {NEW = 'new', PROCESSING = 'processing', DONE = 'done', ERROR = 'error', IGNORED = 'ignored'}

local function record_of(images, path)
  local text = redis.call('HGET', images, path)
  return text and cjson.decode(text)
end

local function touch(batch, now)
  redis.call('HSET', batch, 'modify_date', now)
end

-- Counters change here and nowhere else, so that they always equal a recount.
local function move(batch, record, status)
  if record.status then
    redis.call('HINCRBY', batch, counter_of[record.status], -1)
  else
    redis.call('HINCRBY', batch, 'total', 1)
  end
  redis.call('HINCRBY', batch, counter_of[status], 1)
  record.status = status
end

local function set_duplicate(batch, record, duplicate)
  local was = record.duplicate and 1 or 0
  local is = duplicate and 1 or 0
  if was ~= is then redis.call('HINCRBY', batch, 'duplicates', is - was) end
  record.duplicate = duplicate and true or nil
end

local function keep(images, path, record)
  redis.call('HSET', images, path, cjson.encode(record))
end

local function set_has_error(batch)
  local errors = tonumber(redis.call('HGET', batch, 'error') or '0')
  redis.call('HSET', batch, 'has_error', errors > 0 and '1' or '0')
end

local function open_images(batch)
  local counts = redis.call('HMGET', batch, 'new', 'processing')
  return tonumber(counts[1] or '0') + tonumber(counts[2] or '0')
end
