#!lua
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include shares
-- Queues one envelope, unless it was queued before, need not be, or has no room.
--
-- item           key of the item, by which a second put of it is known
-- version        of the nodes' credentials, as the caller knows them
-- digest         '' or the digest of a table that need not be queued where the node's last merged
--                table has it, and was merged within unchanged_ms
-- node_part      a node may have 1/node_part of the room that is left
-- ids_max        item keys in the newer of the two sets of them
-- node_ids_max   of these, of one node
-- ids_ttl_s      how long item keys are added to one set, by Redis's clock; a set that began in a time
--                to come is over
-- newcomer       'always', 'yes' or 'no': whether a node that is not known may come
--
-- Answers queued, welcome (queued, of a node that was not known), duplicate, unchanged, stale (other
-- credentials), full, share (this node has as much as it may), names (as many nodes are known as
-- may be) or late (no new node may come now).
--
-- Reads all before it writes, so that a key of another type fails it before it did anything. Where
-- the stream is empty, counts that were lost or left over begin anew.
local stream, ids, ids_old, bytes_key, contacts, nodes_version, digests, shares,
  ids_nodes = unpack(KEYS)
local envelope, mode, node, now_ms, item, version, digest, unchanged_ms, entries_max, bytes_max,
  node_entries_max, node_bytes_max, node_part, ids_max, names_max, newcomer, node_ids_max,
  ids_ttl_s = unpack(ARGV)

if (redis.call('GET', nodes_version) or '') ~= version then return 'stale' end
if redis.call('SISMEMBER', ids, item) == 1 or redis.call('SISMEMBER', ids_old, item) == 1 then
  return 'duplicate'
end
if digest ~= '' then
  local merged, ms = string.match(redis.call('HGET', digests, node) or '', '^(%x+) (%d+)$')
  local age = merged == digest and tonumber(now_ms) - tonumber(ms)
  if age and age >= 0 and age < tonumber(unchanged_ms) then return 'unchanged' end
end

local entries, bytes, len, sealed_for = redis.call('XLEN', stream), 0, #envelope, node_of(envelope)
local total = redis.call('GET', bytes_key)
local mine, mine_bytes = share_of(shares, sealed_for)
local ids_since = tonumber(redis.call('HGET', ids_nodes, '') or '')
if entries == 0 then
  mine, mine_bytes = 0, 0
else
  bytes = tonumber(total or 0) or 0
end
local room, space = tonumber(entries_max) - entries, tonumber(bytes_max) - bytes
if room < 1 or space < len then return 'full' end
if mine > 0 then
  local most = math.min(tonumber(node_entries_max), room / tonumber(node_part))
  local most_bytes = math.min(tonumber(node_bytes_max), space / tonumber(node_part))
  if mine >= most or mine_bytes + len > most_bytes then return 'share' end
end

local answer = 'queued'
if redis.call('HEXISTS', contacts, node) == 0 and newcomer ~= 'always' and
  redis.call('HEXISTS', digests, node) == 0 then
  if redis.call('HLEN', contacts) >= tonumber(names_max) then return 'names' end
  if newcomer ~= 'yes' then return 'late' end
  answer = 'welcome'
end

if entries == 0 then redis.call('DEL', shares) end
redis.call('XADD', stream, '*', 'e', envelope, 'm', mode)
redis.call('SET', bytes_key, string.format('%d', bytes + len))
add_to_share(shares, sealed_for, 1, len)
local now_s = tonumber(redis.call('TIME')[1])
local function begin_ids()
  redis.call('UNLINK', ids_old)
  if redis.call('SCARD', ids) > 0 then redis.call('RENAME', ids, ids_old) end
  redis.call('DEL', ids_nodes)
  redis.call('HSET', ids_nodes, '', now_s)
end
if not ids_since or now_s < ids_since or now_s - ids_since >= tonumber(ids_ttl_s) then
  begin_ids()
end
if redis.call('HINCRBY', ids_nodes, node, 1) <= tonumber(node_ids_max) then
  redis.call('SADD', ids, item)
  if redis.call('SCARD', ids) >= tonumber(ids_max) then begin_ids() end
end
redis.call('HSET', contacts, node, now_ms .. ' ' .. mode)
return answer
