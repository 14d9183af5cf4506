-- SPDX-License-Identifier: Apache-2.0
-- Included by other scripts, after share_text. The hash `shares` counts the entries and bytes of
-- each node in the queue. A node without entries has no field.
local function add_to_share(shares, node, entries, bytes)
  local have, have_bytes = share_in(redis.call('HGET', shares, node))
  have, have_bytes = have + entries, math.max(have_bytes + bytes, 0)
  if node ~= '' and have > 0 then
    redis.call('HSET', shares, node, share_text(have, have_bytes))
  else
    redis.call('HDEL', shares, node)
  end
end
