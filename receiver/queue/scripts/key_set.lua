#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Sets a value if there is none or replace is '1'.
local key = unpack(KEYS)
local value, replace = unpack(ARGV)

if replace == '1' or not redis.call('GET', key) then redis.call('SET', key, value) end
return 'done'
