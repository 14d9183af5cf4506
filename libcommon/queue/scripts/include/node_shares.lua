-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts. The hash `shares` counts the entries and bytes of each node in the
-- queue. A node without entries has no field.
local function share_of(shares, node)
  local entries, bytes = string.match(redis.call('HGET', shares, node) or '', '^(%d+) (%d+)$')
  return tonumber(entries or 0), tonumber(bytes or 0)
end
local function add_to_share(shares, node, entries, bytes)
  local have, have_bytes = share_of(shares, node)
  have, have_bytes = have + entries, math.max(have_bytes + bytes, 0)
  if node ~= '' and have > 0 then
    redis.call('HSET', shares, node, string.format('%d %d', have, have_bytes))
  else
    redis.call('HDEL', shares, node)
  end
end
