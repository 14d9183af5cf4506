#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replies for how many ms the oldest entry has waited, by this server's clock; 0 if there is none,
-- or if the clock was set back since.
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not oldest then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return math.max(0, now - tonumber(string.match(oldest[1], '^%d+')))
