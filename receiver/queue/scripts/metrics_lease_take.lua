#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Takes or renews a lease for lease_ms, or ends it if that is 0. Returns 'holds' if the holder has
-- it now, and 'free' or the name of another holder otherwise.
local lease = unpack(KEYS)
local holder, lease_ms = unpack(ARGV)

local current = redis.call('GET', lease) or 'free'
if current ~= holder and (current ~= 'free' or lease_ms == '0') then return current end
if lease_ms == '0' then
  redis.call('DEL', lease)
  return 'free'
end
redis.call('SET', lease, holder, 'PX', lease_ms)
return 'holds'
