#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Sets the idle time of 500 of a consumer's pending entries, from an id on. Replies the last id, or
-- '' if there is none. JUSTID leaves the delivery count unchanged.
local stream = unpack(KEYS)
local group, consumer, from, idle_ms = unpack(ARGV)

local claim = {'XCLAIM', stream, group, consumer, 0}
local last = ''
for _, pending in ipairs(redis.call('XPENDING', stream, group, from, '+', 500, consumer)) do
  last = pending[1]
  claim[#claim + 1] = last
end
if last == '' then return '' end
claim[#claim + 1] = 'IDLE'
claim[#claim + 1] = idle_ms
claim[#claim + 1] = 'JUSTID'
redis.call(unpack(claim))
return last
