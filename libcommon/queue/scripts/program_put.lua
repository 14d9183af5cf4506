#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Notes the report of a running program with the time; an empty one deletes it. Where there are
-- programs_max, those are deleted that reported more than kept_s seconds ago, or later than now,
-- as the clock was set back. Replies done, or full.
local programs = unpack(KEYS)
local id, report, programs_max, kept_s = unpack(ARGV)

if report == '' then
  redis.call('HDEL', programs, id)
  return 'done'
end
local now_s = tonumber(redis.call('TIME')[1])
if redis.call('HEXISTS', programs, id) == 0 and
  redis.call('HLEN', programs) >= tonumber(programs_max)
then
  local all = redis.call('HGETALL', programs)
  local full = true
  for i = 1, #all, 2 do
    local age_s = now_s - (tonumber(string.match(all[i + 1], '^%d+')) or 0)
    if age_s < 0 or age_s > tonumber(kept_s) then
      redis.call('HDEL', programs, all[i])
      full = false
    end
  end
  if full then return 'full' end
end
redis.call('HSET', programs, id, now_s .. ' ' .. report)
return 'done'
