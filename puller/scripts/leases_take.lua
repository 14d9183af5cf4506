#!lua
-- SPDX-License-Identifier: Apache-2.0
-- KEYS: lease and done for each node. Replies taken, held (by another puller) or done (fetched
-- within within_ms) for each.
--
-- A lease is `<holder> <ms when it was taken> <hold in ms>`. Expiry by PX and EX depends on Redis's
-- wall clock: if that clock is set back, keys live longer by the same amount. So the recorded times
-- decide, and a time in the future counts as none.
local holder, within_ms, hold_ms = unpack(ARGV)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function is_within(from, ms) return from and now >= from and now - from < ms end
local answers = {}
for i = 1, #KEYS, 2 do
  local done = tonumber(redis.call('GET', KEYS[i + 1]) or '')
  local lease, answer = redis.call('GET', KEYS[i]), 'held'
  local taken, hold = string.match(lease or '', ' (%d+) (%d+)$')
  if is_within(done, tonumber(within_ms)) then
    answer = 'done'
  elseif not lease or taken and not is_within(tonumber(taken), tonumber(hold)) then
    local mine = holder .. ' ' .. string.format('%.0f', now) .. ' ' .. hold_ms
    redis.call('SET', KEYS[i], mine, 'PX', hold_ms)
    answer = 'taken'
  end
  answers[#answers + 1] = answer
end
return answers
