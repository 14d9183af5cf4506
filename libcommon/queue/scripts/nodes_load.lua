#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the version of the nodes' credentials, and all names and records alternately.
local nodes, nodes_version = unpack(KEYS)

return {redis.call('GET', nodes_version) or '', redis.call('HGETALL', nodes)}
