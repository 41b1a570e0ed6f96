-- A ticket: the server's time in microseconds.
-- KEYS[1]: since when nothing was forgotten by a flush or a restart. ARGV[1]: how long that is kept, in ms.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], now, 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return now
