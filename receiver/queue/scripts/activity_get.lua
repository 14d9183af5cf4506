#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Returns the activity that a receiver showed last, or '' if the group has no consumer: a receiver
-- that ends properly deletes its own.
local stream, merging = unpack(KEYS)
local group = unpack(ARGV)

local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
if consumers.err then
  if redis.call('TYPE', stream).ok == 'none' or string.find(consumers.err, 'NOGROUP', 1, true) then
    return ''
  end
  return consumers
end
return #consumers > 0 and redis.call('GET', merging) or ''
