#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replies the id of the oldest entry, or '' if there is none.
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
return oldest and oldest[1] or ''
