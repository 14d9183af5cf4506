#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- The version of the nodes' credentials, and all of them, names and records in turn.
local nodes, nodes_version = unpack(KEYS)

return {redis.call('GET', nodes_version) or '', redis.call('HGETALL', nodes)}
