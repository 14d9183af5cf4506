#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Adds to the failures of an entry and answers the sum; one that comes to nothing is forgotten.
local failures = unpack(KEYS)
local id, add = unpack(ARGV)

local sum = redis.call('HINCRBY', failures, id, add)
if sum <= 0 then redis.call('HDEL', failures, id) end
return sum
