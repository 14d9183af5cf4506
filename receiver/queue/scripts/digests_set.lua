#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- ARGV: nodes, each with what is published of it. A script for the flag alone, as group_create.
local digests = unpack(KEYS)

return redis.call('HSET', digests, unpack(ARGV))
