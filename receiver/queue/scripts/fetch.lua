#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- ARGV: bytes_max, then ids. Replies the entries that exist, in XRANGE's format and in the order of
-- the ids, and stops once they have bytes_max.
local stream = unpack(KEYS)
local bytes_max = tonumber(ARGV[1])

local found, bytes = {}, 0
for i = 2, #ARGV do
  if bytes >= bytes_max then break end
  local entry = redis.call('XRANGE', stream, ARGV[i], ARGV[i])[1]
  if entry then
    for _, value in ipairs(entry[2]) do bytes = bytes + #value end
    found[#found + 1] = entry
  end
end
return found
