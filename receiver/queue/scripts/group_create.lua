#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Creates the consumer group unless it exists. It starts at 0 rather than $, to include entries
-- queued before the first merge. A script because of the flag allow-oom: a full Redis refuses the
-- plain command, but merge must work then, since merge empties the queue.
local stream = unpack(KEYS)
local group = unpack(ARGV)

local made = redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP') then
  return made
end
return 'done'
