#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- ARGV: nodes, each with its value. A script because of the flag allow-oom, as group_create.
local digests = unpack(KEYS)

return redis.call('HSET', digests, unpack(ARGV))
