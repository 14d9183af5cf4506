-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts, after node_of, node_shares and dead_letter_shares. Moves a dead letter
-- back into the queue; false if that is full. `to` has the keys and the queue's limits.
--
-- Records that a device table waits, as put does, unless another one of the node waits: no table of
-- the node is unchanged until it sends one again. The digest is not known, so that it is 0.
local function retry_letter(to, letter)
  local envelope, mode = letter[2][2], letter[2][4]
  local node, is_table = node_of(envelope), string.byte(envelope, 6) == 1
  local note = is_table and redis.call('HGET', to.digests, node) or ''
  local entries = redis.call('XLEN', to.stream)
  local bytes = entries > 0 and tonumber(redis.call('GET', to.bytes) or 0) or 0
  if entries >= tonumber(to.entries_max) or bytes + #envelope > tonumber(to.bytes_max) then
    return false
  end
  if entries == 0 then redis.call('DEL', to.shares) end
  local queued = redis.call('XADD', to.stream, '*', 'e', envelope, 'm', mode)
  if is_table and string.sub(note, 1, 7) ~= 'queued ' then
    redis.call('HSET', to.digests, node, 'queued 0 ' .. queued)
  end
  redis.call('SET', to.bytes, string.format('%d', bytes + #envelope))
  add_to_share(to.shares, node, 1, #envelope)
  redis.call('XDEL', to.dead, letter[1])
  redis.call('DECRBY', to.dead_bytes, #envelope)
  remove_from_dead_share(to.dead_shares, letter[2])
  return true
end
