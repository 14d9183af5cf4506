#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Forgets nodes whose last contact was before before_ms, except those with credentials of their
-- own, and those with entries in the queue: put must find the note about a table that waits there.
-- A time in the future, recorded while the clock was ahead, becomes now. Scans about names_max names
-- from an HSCAN cursor. Replies the next cursor and how many names it removed.
local contacts, digests, nodes, instances, shares = unpack(KEYS)
local cursor, names_max, now_ms, before_ms = unpack(ARGV)

local found, gone = redis.call('HSCAN', contacts, cursor, 'COUNT', names_max), 0
for i = 1, #found[2], 2 do
  local node, ms, mode = found[2][i], string.match(found[2][i + 1], '^(%d+) (%a+)$')
  if not ms or tonumber(ms) < tonumber(before_ms) then
    if redis.call('HEXISTS', nodes, node) == 0 and redis.call('HEXISTS', shares, node) == 0 then
      redis.call('HDEL', contacts, node)
      redis.call('HDEL', digests, node)
      redis.call('HDEL', instances, node)
      gone = gone + 1
    end
  elseif tonumber(ms) > tonumber(now_ms) then
    redis.call('HSET', contacts, node, now_ms .. ' ' .. mode)
  end
end
return {found[1], gone}
