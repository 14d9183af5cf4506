#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Deletes all digests, before those in the database are published. Keeps the notes about nodes with
-- a table in the queue, because no table of theirs is unchanged until it is merged. A note of a node
-- that has no entry there any more is deleted.
local digests, shares = unpack(KEYS)

local kept, waiting = {}, redis.call('HGETALL', shares)
for i = 1, #waiting, 2 do
  local last = redis.call('HGET', digests, waiting[i]) or ''
  if string.sub(last, 1, 7) == 'queued ' then kept[#kept + 1] = {waiting[i], last} end
end
redis.call('UNLINK', digests)
for _, one in ipairs(kept) do redis.call('HSET', digests, one[1], one[2]) end
return 'done'
