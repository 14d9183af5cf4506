#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- Replies the last id and then the node of each entry, from an id on: entries_max at most, and it
-- stops once it has read bytes_max.
local stream = unpack(KEYS)
local from, entries_max, bytes_max = unpack(ARGV)

local names, bytes = {''}, 0
while #names <= tonumber(entries_max) and bytes < tonumber(bytes_max) do
  local entry = redis.call('XRANGE', stream, from, '+', 'COUNT', 1)[1]
  if not entry then break end
  names[1] = entry[1]
  from = '(' .. entry[1]
  local envelope = entry[2][2] or ''
  bytes = bytes + #envelope
  names[#names + 1] = node_of(envelope)
end
return names
