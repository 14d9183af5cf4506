#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Releases leases.
--
-- KEYS: names, then lease and done for each lease
-- ARGV: holder, then for each lease: '1' if the node was fetched, its URL, its node's name or ''
local names, holder = KEYS[1], ARGV[1]

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
for i = 2, #KEYS, 2 do
  local at = 2 + (i - 2) / 2 * 3
  local fetched, url, name = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if string.match(redis.call('GET', KEYS[i]) or '', '^%x+') == holder then
    redis.call('DEL', KEYS[i])
  end
  if fetched == '1' then redis.call('SET', KEYS[i + 1], now, 'EX', 3600) end
  if name ~= '' then redis.call('HSET', names, url, name) end
end
return 'done'
