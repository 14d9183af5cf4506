#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the report of each program, with its age in seconds before it, that is at most kept_s
-- seconds old.
local programs = unpack(KEYS)
local kept_s = tonumber(ARGV[1])

local now_s = tonumber(redis.call('TIME')[1])
local reply = {}
local all = redis.call('HGETALL', programs)
for i = 2, #all, 2 do
  local at_s, report = string.match(all[i], '^(%d+) (.*)$')
  local age_s = now_s - (tonumber(at_s) or 0)
  if report and age_s >= 0 and age_s <= kept_s then reply[#reply + 1] = age_s .. ' ' .. report end
end
return reply
