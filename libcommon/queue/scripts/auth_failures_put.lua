#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Adds refused requests to those of the same address and name. Groups of arguments: field (address,
-- space, name), number, first and last time in ms, reason. At most failures_max fields.
local failures = unpack(KEYS)
local failures_max = unpack(ARGV)

for i = 2, #ARGV, 5 do
  local field, number, first, last, reason = unpack(ARGV, i, i + 4)
  local had, had_first =
    string.match(redis.call('HGET', failures, field) or '', '^(%d+) (%d+) ')
  if had or redis.call('HLEN', failures) < tonumber(failures_max) then
    local value = string.format('%d', tonumber(had or 0) + tonumber(number)) .. ' ' ..
      (had_first or first) .. ' ' .. last .. ' ' .. reason
    redis.call('HSET', failures, field, value)
  end
end
return 'done'
