-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts. The hash `dead_shares` counts the dead letters of each node that may
-- be dropped: number, bytes, and an id that is not after the oldest of them. A letter is the list
-- of its fields and values: [2] is the envelope, [9] is 'k' if it must be kept.
local function dead_share_of(dead_shares, node)
  local entries, bytes, from =
    string.match(redis.call('HGET', dead_shares, node) or '', '^(%d+) (%d+) (%S+)$')
  return tonumber(entries or 0), tonumber(bytes or 0), from or '-'
end
local function set_dead_share(dead_shares, node, entries, bytes, from)
  if entries > 0 then
    local value = string.format('%d %d %s', entries, math.max(bytes, 0), from)
    redis.call('HSET', dead_shares, node, value)
  else
    redis.call('HDEL', dead_shares, node)
  end
end
local function remove_from_dead_share(dead_shares, letter)
  if letter[9] == 'k' then return end
  local node = node_of(letter[2])
  local entries, bytes, from = dead_share_of(dead_shares, node)
  set_dead_share(dead_shares, node, entries - 1, bytes - #letter[2], from)
end
