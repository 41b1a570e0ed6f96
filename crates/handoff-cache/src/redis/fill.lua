-- Remembers rows under a ticket, and forgets those of which more is known since.
-- KEYS[1]: as in begin_fill.lua; then for each row its entry and its mark.
-- ARGV[1]: the ticket; ARGV[2]: for how long marks are kept, in ms; then for each row its value and lifetime in ms.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ticket = tonumber(ARGV[1])
local born = tonumber(redis.call('GET', KEYS[1]) or 'inf')
-- What was forgotten before the ticket is no longer known when its mark is gone.
local void = ticket < born or ticket < now - ARGV[2] * 1000
for row = 1, (#KEYS - 1) / 2 do
  local entry, mark = KEYS[2 * row], KEYS[2 * row + 1]
  local known = redis.call('GET', entry)
  local written = known and tonumber(string.match(known, ':(%d+)$')) or 0
  local forgotten = tonumber(redis.call('GET', mark) or '0')
  if void or ticket <= math.max(written, forgotten) then
    redis.call('DEL', entry)
  else
    local value = ARGV[1 + 2 * row] .. ':' .. string.format('%.0f', now)
    redis.call('SET', entry, value, 'PX', ARGV[2 + 2 * row])
  end
end
