#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Deletes a consumer that has no pending entries: XGROUP DELCONSUMER would lose them.
local stream = unpack(KEYS)
local group, consumer = unpack(ARGV)

if #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
end
return 'done'
