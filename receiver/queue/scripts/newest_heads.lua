#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies the first head_bytes of the envelope and its length for each of the newest entries:
-- entries_max at most, and it stops once it has read bytes_max of envelopes.
local stream = unpack(KEYS)
local entries_max, head_bytes, bytes_max = unpack(ARGV)

local heads, to, bytes = {}, '+', 0
while #heads < 2 * tonumber(entries_max) and bytes < tonumber(bytes_max) do
  local entry = redis.call('XREVRANGE', stream, to, '-', 'COUNT', 1)[1]
  if not entry then break end
  local envelope = entry[2][2] or ''
  heads[#heads + 1] = string.sub(envelope, 1, tonumber(head_bytes))
  heads[#heads + 1] = #envelope
  bytes = bytes + #envelope
  to = '(' .. entry[1]
end
return heads
