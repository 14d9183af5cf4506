#!lua flags=no-writes
-- SPDX-License-Identifier: Apache-2.0
-- Replies dead letters between two ids without their envelopes: letters_max at most, and it stops
-- once it has read bytes_max of envelopes. Each is: id, the first head_bytes of the envelope, its
-- length, mode, entry id, reason.
local dead = unpack(KEYS)
local from, to, letters_max, head_bytes, bytes_max = unpack(ARGV)

local list, bytes = {}, 0
local places = {e = 2, m = 4, i = 5, r = 6}
while #list < tonumber(letters_max) and bytes < tonumber(bytes_max) do
  local letter = redis.call('XRANGE', dead, from, to, 'COUNT', 1)[1]
  if not letter then break end
  local one = {letter[1], '', 0, '', '', ''}
  for f = 1, #letter[2], 2 do
    local place, value = places[letter[2][f]], letter[2][f + 1]
    if place == 2 then
      one[3] = #value
      bytes = bytes + #value
      value = string.sub(value, 1, tonumber(head_bytes))
    end
    if place then one[place] = value end
  end
  list[#list + 1] = one
  from = '(' .. letter[1]
end
return list
