#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Redis tells how long an entry was held by its wall clock. After a step back what was given out
-- before has yet to come, is held for 0 ms for as long as the step was, and would not be claimed
-- from a consumer that is dead. Such entries are stamped anew, as if they were given out now to the
-- same consumer, and count as long as all others from then on; one that was given out in this very
-- millisecond loses nothing by it.
--
-- Looks at entries_max of them from an id on. Answers the id to go on from, '-' at the end.
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
