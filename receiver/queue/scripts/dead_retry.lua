#!lua
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include node_shares
-- include dead_letter_shares
-- Moves a dead letter back into the queue. Replies done, missing or full.
--
-- Records that a device table waits, as put does, unless another one of the node waits: no table of
-- the node is unchanged until it sends one again. The digest is not known, so that it is 0.
local stream, bytes_key, dead, dead_bytes, shares, dead_shares, digests = unpack(KEYS)
local id, entries_max, bytes_max = unpack(ARGV)

local letter = redis.call('XRANGE', dead, id, id)[1]
if not letter then return 'missing' end
local envelope, mode = letter[2][2], letter[2][4]
local node, is_table = node_of(envelope), string.byte(envelope, 6) == 1
local note = is_table and redis.call('HGET', digests, node) or ''
local entries = redis.call('XLEN', stream)
local bytes = entries > 0 and tonumber(redis.call('GET', bytes_key) or 0) or 0
if entries >= tonumber(entries_max) or bytes + #envelope > tonumber(bytes_max) then return 'full' end
if entries == 0 then redis.call('DEL', shares) end
local queued = redis.call('XADD', stream, '*', 'e', envelope, 'm', mode)
if is_table and string.sub(note, 1, 7) ~= 'queued ' then
  redis.call('HSET', digests, node, 'queued 0 ' .. queued)
end
redis.call('SET', bytes_key, string.format('%d', bytes + #envelope))
add_to_share(shares, node, 1, #envelope)
redis.call('XDEL', dead, id)
redis.call('DECRBY', dead_bytes, #envelope)
remove_from_dead_share(dead_shares, letter[2])
return 'done'
