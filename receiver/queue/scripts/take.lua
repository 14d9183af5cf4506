#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Replies new entries in XREADGROUP's format, and stops once they have bytes_max, a limit that
-- XREADGROUP does not offer.
local stream = unpack(KEYS)
local group, consumer, entries_max, bytes_max = unpack(ARGV)

local taken, bytes = {}, 0
while #taken < tonumber(entries_max) and bytes < tonumber(bytes_max) do
  local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '>')
  if not read then break end
  local entry = read[1][2][1]
  for _, value in ipairs(entry[2]) do bytes = bytes + #value end
  table.insert(taken, entry)
end
return taken
