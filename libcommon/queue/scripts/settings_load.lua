#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the version of the settings made on the hub and their text; both '' if they are not
-- published.
local settings, settings_version = unpack(KEYS)

local text = redis.call('GET', settings)
local version = redis.call('GET', settings_version)
if not text or not version then return {'', ''} end
return {version, text}
