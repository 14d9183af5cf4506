#!lua
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include node_shares
-- Queues one envelope, unless it is a duplicate, an unchanged table, or over a limit.
--
-- item           identifies the item, to detect a second put of it
-- version        version of the nodes' credentials that the caller used
-- digest         '' or the digest of a table that is not queued if the node's last merged table has
--                the same digest and was merged within unchanged_ms
-- node_part      a node may use 1/node_part of the free space
-- ids_max        items in the newer of the two sets, at most
-- node_ids_max   of these, items of one node at most
-- ids_ttl_s      how long items are added to one set, by Redis's clock; a set whose start lies in
--                the future is replaced
-- table          '' or the digest of a table: until it is merged, no other table of its node is
--                unchanged, since devices that come back would stay absent
-- newcomer       'always', 'yes' or 'no': whether an unknown node is accepted
--
-- Replies queued, welcome (queued, and the node is new), duplicate, unchanged, stale (the
-- credentials changed), full, share (this node has used its share), names (names_max nodes are
-- known) or late (no new node is accepted now).
--
-- All reads come before the first write, so that a key of the wrong type fails the script before it
-- has any effect. If the stream is empty, counters that were lost or left over start from 0.
local stream, ids, ids_old, bytes_key, contacts, nodes_version, digests, shares,
  ids_nodes = unpack(KEYS)
local envelope, mode, node, now_ms, item, version, digest, unchanged_ms, entries_max, bytes_max,
  node_entries_max, node_bytes_max, node_part, ids_max, names_max, newcomer, node_ids_max,
  ids_ttl_s, table_digest = unpack(ARGV)

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

local answer, has_digest = 'queued', redis.call('HEXISTS', digests, node) == 1
if redis.call('HEXISTS', contacts, node) == 0 and newcomer ~= 'always' and not has_digest then
  if redis.call('HLEN', contacts) >= tonumber(names_max) then return 'names' end
  if newcomer ~= 'yes' then return 'late' end
  answer = 'welcome'
end

if entries == 0 then redis.call('DEL', shares) end
local id = redis.call('XADD', stream, '*', 'e', envelope, 'm', mode)
if table_digest ~= '' then
  redis.call('HSET', digests, node, 'queued ' .. table_digest .. ' ' .. id)
end
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
