-- Appends an event to the log and links it to the one before it, in one step.
-- KEYS stream, head[, key of what is not said again for a while][, list that the event comes from]
-- ARGV message, its digest, seconds of silence (0: none), entry of the list ('': none)
-- Answers the id of the entry; nothing where the same was said a moment ago, or the list does not have the entry any more.
local band, bxor, rrotate, rshift, tobit = bit.band, bit.bxor, bit.ror, bit.rshift, bit.tobit

-- FIPS 180-4 §4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
local K = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2}

-- Redis has no SHA-256 for scripts. The texts are short: a link has three blocks at most.
local function sha256(text)
  local bits = 8 * #text
  text = text .. '\128' .. string.rep('\0', (55 - #text) % 64) .. '\0\0\0\0' .. struct.pack('>I4', bits)
  local h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}
  local w = {}
  for start = 1, #text, 64 do
    for t = 1, 16 do w[t] = struct.unpack('>I4', text, start + 4 * (t - 1)) end
    for t = 17, 64 do
      local x, y = w[t - 15], w[t - 2]
      w[t] = tobit(w[t - 16] + bxor(rrotate(x, 7), rrotate(x, 18), rshift(x, 3))
        + w[t - 7] + bxor(rrotate(y, 17), rrotate(y, 19), rshift(y, 10)))
    end
    local a, b, c, d, e, f, g, i = unpack(h)
    for t = 1, 64 do
      -- Sums are left as they are: over 64 rounds they stay below 2^51, up to which the functions take them modulo 2^32.
      local one = i + bxor(rrotate(e, 6), rrotate(e, 11), rrotate(e, 25)) + bxor(g, band(e, bxor(f, g))) + K[t] + w[t]
      local two = bxor(rrotate(a, 2), rrotate(a, 13), rrotate(a, 22)) + bxor(band(a, bxor(b, c)), band(b, c))
      i, g, f, e, d, c, b, a = g, f, e, d + one, c, b, a, one + two
    end
    for at, value in ipairs({a, b, c, d, e, f, g, i}) do h[at] = tobit(h[at] + value) end
  end
  local hex = {}
  for at, value in ipairs(h) do hex[at] = bit.tohex(value) end
  return table.concat(hex)
end

local silence, entry = tonumber(ARGV[3]), ARGV[4]
if silence > 0 and not redis.call('SET', KEYS[3], '1', 'NX', 'EX', silence) then return false end
if entry ~= '' and redis.call('LREM', KEYS[#KEYS], 1, entry) == 0 then return false end
local head = redis.call('HMGET', KEYS[2], 'number', 'hash')
local number, previous = tonumber(head[1] or '0') + 1, head[2] or ''
local text = string.format('%.0f', number)
local hash = sha256(text .. ':' .. previous .. ':' .. ARGV[2])
local id = redis.call('XADD', KEYS[1], '*', 'message', ARGV[1], 'number', text, 'previous', previous, 'hash', hash)
redis.call('HSET', KEYS[2], 'number', text, 'hash', hash, 'entry', id)
return id
