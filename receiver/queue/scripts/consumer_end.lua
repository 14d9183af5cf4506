#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Deletes a consumer that holds nothing: XGROUP DELCONSUMER would strand its pending entries.
local stream = unpack(KEYS)
local group, consumer = unpack(ARGV)

if #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
end
return 'done'
