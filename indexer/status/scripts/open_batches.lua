-- What there is to do, summed up over the batches that are not DONE; of very many only some are looked at.
-- KEYS batches, active    ARGV how many at most
-- Answers: batches, active ones, those looked at, of these NEW, PROCESSING and DONE (about to be deleted), their NEW and
-- PROCESSING images, when the oldest was added, when the one that has stood still longest was changed ('' where none).
local ids = redis.call('SRANDMEMBER', KEYS[2], ARGV[1])
local states = {NEW = 0, PROCESSING = 0, DONE = 0}
local new, processing = 0, 0
local oldest, stillest
for _, id in ipairs(ids) do
  local batch = redis.call('HMGET', 'batch:' .. id, 'status', 'new', 'processing', 'add_date', 'modify_date')
  if batch[1] then
    states[batch[1]] = states[batch[1]] + 1
    new, processing = new + tonumber(batch[2]), processing + tonumber(batch[3])
    if not oldest or tonumber(batch[4]) < tonumber(oldest) then oldest = batch[4] end
    if not stillest or tonumber(batch[5]) < tonumber(stillest) then stillest = batch[5] end
  end
end
return {redis.call('ZCARD', KEYS[1]), redis.call('SCARD', KEYS[2]), #ids, states.NEW, states.PROCESSING, states.DONE,
  new, processing, oldest or '', stillest or ''}
