#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include shares
-- Acknowledges and deletes entries, and publishes the digests of merged tables.
--
-- ARGV: group, then for each entry: its id, the length of its envelope, the node in its envelope,
-- the node to publish or '', the value to publish
local stream, bytes_key, failures, digests, shares = unpack(KEYS)
local group = ARGV[1]

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
  if published ~= '' then redis.call('HSET', digests, published, digest) end
end
if bytes > 0 then redis.call('DECRBY', bytes_key, bytes) end
for node, mine in pairs(gone) do add_to_share(shares, node, -mine[1], -mine[2]) end
return 'done'
