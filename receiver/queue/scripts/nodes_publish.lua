#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replaces the published credentials by the staged list of `count` records, if the published version
-- is still `expected`. Replies done, changed (another version was published meanwhile) or other (the
-- staged list is another publisher's, or incomplete).
local nodes, nodes_version, staging = unpack(KEYS)
local owner, count, expected, version = unpack(ARGV)

if (redis.call('GET', nodes_version) or '') ~= expected then return 'changed' end
if redis.call('HGET', staging, '') ~= owner or redis.call('HLEN', staging) ~= tonumber(count) + 1
then
  return 'other'
end
redis.call('UNLINK', nodes)
redis.call('HDEL', staging, '')
if tonumber(count) > 0 then redis.call('RENAME', staging, nodes) end
redis.call('SET', nodes_version, version)
return 'done'
