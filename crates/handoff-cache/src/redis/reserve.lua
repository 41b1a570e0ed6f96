-- Reserves a number of a second, or of the latest one before it that is not full.
-- KEYS[1]: the prefix of the sequence. ARGV: the second, how far to look back, numbers in a second, and for how
-- long counters are kept, in seconds.
local newest, look_back, each, kept = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
-- Counters from before a flush or a restart are lost: nothing before that is given out again.
local born_at = KEYS[1] .. ':born'
local born = tonumber(redis.call('GET', born_at) or ARGV[1])
redis.call('SET', born_at, string.format('%.0f', born), 'EX', kept)
local oldest = math.min(newest, math.max(born, newest - look_back + 1))
for second = newest, oldest, -1 do
  local counter = KEYS[1] .. ':' .. string.format('%.0f', second)
  local used = tonumber(redis.call('GET', counter) or '0')
  if used < each then
    redis.call('SET', counter, used + 1, 'EX', kept)
    return { second, used }
  end
end
return {}
