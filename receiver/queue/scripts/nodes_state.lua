#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the version of the published credentials ('' for none) and the number of records.
local nodes, nodes_version = unpack(KEYS)

return {redis.call('GET', nodes_version) or '', redis.call('HLEN', nodes)}
