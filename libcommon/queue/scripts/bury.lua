#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include shares
-- Moves an entry to the dead letters. keep is '1' where it must not be dropped to make room.
--
-- Answers how many others were dropped to stay within the limits, and of the first of them the id,
-- the node's name and the reason. These are the oldest that may be dropped; behind many that may
-- not, it is the new one. -1: it must be kept, and there is no room: nothing was done.
local stream, bytes_key, failures, dead, dead_bytes, shares = unpack(KEYS)
local group, id, envelope, mode, reason, entries_max, bytes_max, keep = unpack(ARGV)
entries_max, bytes_max = tonumber(entries_max), tonumber(bytes_max)

local dropped, first = 0, {'', '', ''}
local entries, bytes = redis.call('XLEN', dead), tonumber(redis.call('GET', dead_bytes) or '0')
if entries == 0 then bytes = 0 end
if keep == '1' and
  (entries >= entries_max or (entries > 0 and bytes + #envelope > bytes_max)) then
  return {-1, '', '', ''}
end

local function is_over() return entries > 1 and (entries > entries_max or bytes > bytes_max) end
local function drop(old)
  local e = old[2][2]
  if dropped == 0 then first = {old[1], node_of(e), old[2][8] or ''} end
  redis.call('XDEL', dead, old[1])
  bytes, entries, dropped = redis.call('DECRBY', dead_bytes, #e), entries - 1, dropped + 1
end

redis.call('XACK', stream, group, id)
if redis.call('XDEL', stream, id) == 1 then
  if entries == 0 then redis.call('SET', dead_bytes, 0) end
  local letter = {'XADD', dead, '*', 'e', envelope, 'm', mode, 'i', id, 'r', reason}
  if keep == '1' then
    letter[#letter + 1] = 'k'
    letter[#letter + 1] = '1'
  end
  local new = redis.call(unpack(letter))
  redis.call('DECRBY', bytes_key, #envelope)
  add_to_share(shares, node_of(envelope), -1, -#envelope)
  bytes, entries = redis.call('INCRBY', dead_bytes, #envelope), redis.call('XLEN', dead)
  local from, looked = '-', 0
  while is_over() and looked < 1000 do
    local old = redis.call('XRANGE', dead, from, '+', 'COUNT', 1)[1]
    if old[1] == new then break end
    if old[2][9] ~= 'k' then drop(old) end
    from, looked = '(' .. old[1], looked + 1
  end
  if is_over() then drop(redis.call('XRANGE', dead, new, new)[1]) end
end
redis.call('HDEL', failures, id)
return {dropped, first[1], first[2], first[3]}
