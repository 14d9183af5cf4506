#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include digest_order
-- Publishes digests of tables in the database, except of nodes with a table in the queue, or of which
-- another receiver merged a later table meanwhile.
-- A script also because of the flag allow-oom, as group_create.
-- ARGV: nodes, each with its value
local digests = unpack(KEYS)

for i = 1, #ARGV, 2 do
  local last = redis.call('HGET', digests, ARGV[i]) or ''
  if string.sub(last, 1, 7) ~= 'queued ' and is_not_older(ARGV[i + 1], last) then
    redis.call('HSET', digests, ARGV[i], ARGV[i + 1])
  end
end
return 'done'
