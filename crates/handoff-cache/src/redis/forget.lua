-- Forgets rows, also for whoever has read them already.
-- KEYS: for each row its entry and its mark. ARGV[1]: for how long marks are kept, in ms.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
for row = 1, #KEYS / 2 do
  redis.call('DEL', KEYS[2 * row - 1])
  redis.call('SET', KEYS[2 * row], now, 'PX', ARGV[1])
end
