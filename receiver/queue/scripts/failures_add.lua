#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Adds to an entry's failure count and replies the sum; deletes a count that reaches 0.
local failures = unpack(KEYS)
local id, add = unpack(ARGV)

local sum = redis.call('HINCRBY', failures, id, add)
if sum <= 0 then redis.call('HDEL', failures, id) end
return sum
