#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Redis measures the idle time of pending entries with its wall clock. After that clock is set
-- back, the delivery time of earlier entries lies in the future: their idle time stays 0 for as
-- long as the step was, and no consumer could claim them from a dead one. This script claims
-- entries with idle time 0 for their own consumer again, which sets their delivery time to now. An
-- entry that really was delivered in this millisecond is not affected.
--
-- Examines entries_max pending entries from an id on. Replies the id to continue from, '-' at the
-- end.
local stream = unpack(KEYS)
local group, from, entries_max = unpack(ARGV)

local pending = redis.call('XPENDING', stream, group, from, '+', entries_max)
for _, entry in ipairs(pending) do
  if entry[3] == 0 then
    redis.call('XCLAIM', stream, group, entry[2], 0, entry[1], 'JUSTID')
  end
end
if #pending < tonumber(entries_max) then return '-' end
return '(' .. pending[#pending][1]
