#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include share_text
-- include node_shares
-- include dead_letter_shares
-- Moves an entry to the dead letters. keep is '1' if it must not be dropped to make room. digest is
-- '' or that of a device table whose content is invalid: unless another table of the node was queued
-- after it, the reason is published, and the node gets it when it asks about that table.
--
-- Over the limits it drops the oldest dead letters without keep: of this node if the node has used
-- its share, otherwise of all nodes. One run examines a limited number of letters; if it finds none
-- to drop, it drops the entry itself, or leaves it in the stream if it must be kept. Replies how
-- many were dropped; id, node and reason of the first one; and 'full' if the entry stays in the
-- stream.
local stream, bytes_key, failures, dead, dead_bytes, shares, dead_shares, digests = unpack(KEYS)
local group, id, envelope, mode, reason, entries_max, bytes_max, keep, node_entries_max,
  node_bytes_max, digest, now_ms = unpack(ARGV)

keep = keep == '1'
local node, len = node_of(envelope), #envelope
local entries = redis.call('XLEN', dead)
local bytes = entries > 0 and tonumber(redis.call('GET', dead_bytes) or 0) or 0
local waits = digest ~= '' and redis.call('HGET', digests, node)
local has_room, looks, reads = true, 1000, 4194304
local dropped, first = 0, {'', '', ''}

local function note_dropped(letter_id, letter_node, letter_reason)
  if dropped == 0 then first = {letter_id, letter_node, letter_reason} end
  dropped = dropped + 1
end

-- Drops the oldest letter of a node, or of all nodes if of_node is nil; returns where the search
-- ended.
local function drop_oldest(from, of_node)
  while looks > 0 and reads > 0 do
    local old = redis.call('XRANGE', dead, from, '+', 'COUNT', 1)[1]
    if not old then break end
    local letter = old[2]
    from, looks, reads = '(' .. old[1], looks - 1, reads - #letter[2]
    if letter[9] ~= 'k' and (not of_node or node_of(letter[2]) == of_node) then
      note_dropped(old[1], node_of(letter[2]), letter[8] or '')
      redis.call('XDEL', dead, old[1])
      remove_from_dead_share(dead_shares, letter)
      entries, bytes = entries - 1, bytes - #letter[2]
      return from
    end
  end
  has_room = false
  return from
end

if #redis.call('XRANGE', stream, id, id) == 1 then
  if entries == 0 then redis.call('DEL', dead_shares) end
  local mine, mine_bytes, from = dead_share_of(dead_shares, node)
  local function is_over_share()
    return mine >= tonumber(node_entries_max) or
      (mine > 0 and mine_bytes + len > tonumber(node_bytes_max))
  end
  while not keep and has_room and is_over_share() do
    from = drop_oldest(from, node)
    mine, mine_bytes = dead_share_of(dead_shares, node)
    set_dead_share(dead_shares, node, mine, mine_bytes, from)
  end
  while has_room and entries > 0 and
    (entries >= tonumber(entries_max) or bytes + len > tonumber(bytes_max)) do
    drop_oldest('-')
  end
  if has_room then bytes = bytes + len end
  redis.call('SET', dead_bytes, string.format('%d', bytes))
  if keep and not has_room then return {dropped, first[1], first[2], first[3], 'full'} end

  redis.call('XACK', stream, group, id)
  redis.call('XDEL', stream, id)
  if waits and string.match(waits, '^queued (%x+) ') == digest then
    redis.call('HSET', digests, node, string.format('refused %s %s %s', digest, now_ms, reason))
  end
  redis.call('DECRBY', bytes_key, len)
  add_to_share(shares, node, -1, -len)
  if not has_room then
    note_dropped(id, node, reason)
  elseif keep then
    redis.call('XADD', dead, '*', 'e', envelope, 'm', mode, 'i', id, 'r', reason, 'k', '1')
  else
    redis.call('XADD', dead, '*', 'e', envelope, 'm', mode, 'i', id, 'r', reason)
    mine, mine_bytes = dead_share_of(dead_shares, node)
    set_dead_share(dead_shares, node, mine + 1, mine_bytes + len, from)
  end
end
redis.call('XACK', stream, group, id)
redis.call('HDEL', failures, id)
return {dropped, first[1], first[2], first[3], ''}
