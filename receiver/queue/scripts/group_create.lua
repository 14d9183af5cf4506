#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Makes the consumer group, where it is not there. At 0, never at $: what was queued before the
-- first merge counts too. A script for the flag alone: a full Redis refuses the plain command, and
-- merge must work there, for it is what empties the queue.
local stream = unpack(KEYS)
local group = unpack(ARGV)

local made = redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP') then
  return made
end
return 'done'
