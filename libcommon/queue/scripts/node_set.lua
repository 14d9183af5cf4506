#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replaces a node's credential record if it is still `old` ('' for none). Replies done, changed
-- (the record is another one) or full (nodes_max nodes have a record).
local nodes, nodes_version = unpack(KEYS)
local node, old, new, version, nodes_max = unpack(ARGV)

if (redis.call('HGET', nodes, node) or '') ~= old then return 'changed' end
if old == '' and redis.call('HLEN', nodes) >= tonumber(nodes_max) then return 'full' end
redis.call('HSET', nodes, node, new)
redis.call('SET', nodes_version, version)
return 'done'
