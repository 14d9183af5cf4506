#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the version of the published settings, or '' if they are not published completely.
local settings, settings_version = unpack(KEYS)

-- TYPE, as the text may be megabytes and is asked about every second.
local complete = redis.call('TYPE', settings).ok == 'string'
return complete and redis.call('GET', settings_version) or ''
