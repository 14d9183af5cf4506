#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replaces the published settings and their version if the published version is still `expected`,
-- or they are incomplete and that is ''. Replies done, or changed: another version was published
-- meanwhile.
local settings, settings_version = unpack(KEYS)
local expected, version, text = unpack(ARGV)

local complete = redis.call('TYPE', settings).ok == 'string'
local published = complete and redis.call('GET', settings_version) or ''
if published ~= expected then return 'changed' end
redis.call('SET', settings, text)
redis.call('SET', settings_version, version)
return 'done'
