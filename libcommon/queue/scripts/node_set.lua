#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replaces a node's record of credentials, where it is still `old` ('' for none). Answers done,
-- changed (it is another one) or full (nodes_max have one).
local nodes, nodes_version = unpack(KEYS)
local node, old, new, version, nodes_max = unpack(ARGV)

if (redis.call('HGET', nodes, node) or '') ~= old then return 'changed' end
if old == '' and redis.call('HLEN', nodes) >= tonumber(nodes_max) then return 'full' end
redis.call('HSET', nodes, node, new)
redis.call('SET', nodes_version, version)
return 'done'
