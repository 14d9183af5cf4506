#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the version of the published settings, or '' if they are not published completely.
local settings, settings_version = unpack(KEYS)

return redis.call('GET', settings) and redis.call('GET', settings_version) or ''
