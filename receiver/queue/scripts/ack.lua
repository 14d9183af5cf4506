#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include digest_order
-- include share_text
-- include node_shares
-- Acknowledges and deletes entries, and publishes the digests of merged tables.
--
-- A digest is not published while another table of its node waits in the queue, even if that table
-- was queued before and has the same digest (A, B, A); nor where a table that was merged later is
-- published.
--
-- ARGV: group, then for each entry: its id, the length of its envelope, the node in its envelope,
-- the node to publish or '', the value to publish
local stream, bytes_key, failures, digests, shares = unpack(KEYS)
local group = ARGV[1]

local function is_waiting(id)
  return #redis.call('XRANGE', stream, id, id) > 0
end

-- Call it after the entry was deleted.
local function is_newest(node, digest)
  local last = redis.call('HGET', digests, node) or ''
  local queued, id = string.match(last, '^queued (%x+) (%S+)$')
  if queued then return queued == string.match(digest, '^%x+') and not is_waiting(id) end
  return is_not_older(digest, last)
end

local bytes, gone = 0, {}
for i = 2, #ARGV, 5 do
  local id, len, node, published, digest = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  redis.call('XACK', stream, group, id)
  if redis.call('XDEL', stream, id) == 1 then
    local mine = gone[node] or {0, 0}
    bytes = bytes + len
    gone[node] = {mine[1] + 1, mine[2] + len}
  end
  redis.call('HDEL', failures, id)
  if published ~= '' and is_newest(published, digest) then
    redis.call('HSET', digests, published, digest)
  end
end
if bytes > 0 then redis.call('DECRBY', bytes_key, bytes) end
for node, mine in pairs(gone) do add_to_share(shares, node, -mine[1], -mine[2]) end
return 'done'
