#!lua
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include share_text
-- Queues envelopes, each unless it is a duplicate, an unchanged table, or over a limit.
--
-- unchanged_ms   how long a table with the digest of the node's last merged one is unchanged
-- node_part      a node may use 1/node_part of the free space
-- ids_max        items in the newer of the two sets, at most
-- node_ids_max   of these, items of one node at most
-- ids_ttl_s      how long items are added to one set, by Redis's clock; a set whose start lies in
--                the future is replaced
--
-- and for each put:
--
-- item           identifies the item, to detect a second put of it
-- version        version of the nodes' credentials that the caller used
-- digest         '' or the digest of a table that is not queued if it is unchanged
-- table          '' or the digest of a table: until it is merged, no other table of its node is
--                unchanged, since devices that come back would stay absent
-- newcomer       'always', 'yes' or 'no': whether an unknown node is accepted
--
-- Replies for each put queued, welcome (queued, and the node is new), duplicate, unchanged, stale
-- (the credentials changed), full, share (this node has used its share), names (names_max nodes are
-- known) or late (no new node is accepted now).
--
-- All reads come before the first write, so that a key of the wrong type fails the script before it
-- has any effect; and there are as many calls for many puts as for one, except for XADD. Puts are
-- judged in their order, each as if those before it were written; of two with the same item the
-- second is a duplicate in any case. If the stream is empty, counters that were lost or left over
-- start from 0.
local stream, ids, ids_old, bytes_key, contacts, nodes_version, digests, shares,
  ids_nodes = unpack(KEYS)
local now_ms, unchanged_ms, entries_max, bytes_max, node_entries_max, node_bytes_max, node_part,
  ids_max, names_max, node_ids_max, ids_ttl_s = unpack(ARGV, 1, 11)
entries_max, bytes_max = tonumber(entries_max), tonumber(bytes_max)
node_ids_max, ids_max = tonumber(node_ids_max), tonumber(ids_max)

local puts, nodes, sealed_for, items = {}, {}, {}, {}
for i = 12, #ARGV, 8 do
  local put = {}
  put.envelope, put.mode, put.node, put.item, put.version, put.digest, put.table, put.newcomer =
    unpack(ARGV, i, i + 7)
  put.sealed_for = node_of(put.envelope)
  puts[#puts + 1], nodes[#nodes + 1], items[#items + 1] = put, put.node, put.item
  sealed_for[#sealed_for + 1] = put.sealed_for
end

local function read_each(hash, fields)
  local values, by_field = redis.call('HMGET', hash, unpack(fields)), {}
  for i, field in ipairs(fields) do by_field[field] = values[i] end
  return by_field
end

local version = redis.call('GET', nodes_version) or ''
local seen = {}
for _, set in ipairs({ids, ids_old}) do
  for i, is_member in ipairs(redis.call('SMISMEMBER', set, unpack(items))) do
    if is_member == 1 then seen[items[i]] = true end
  end
end
local last, contact = read_each(digests, nodes), read_each(contacts, nodes)
local entries, bytes = redis.call('XLEN', stream), redis.call('GET', bytes_key)
local share, ids_of = read_each(shares, sealed_for), read_each(ids_nodes, nodes)
local ids_since = tonumber(redis.call('HGET', ids_nodes, '') or '')
local ids_count, now_s = redis.call('SCARD', ids), tonumber(redis.call('TIME')[1])
local was_empty = entries == 0
bytes = not was_empty and tonumber(bytes or 0) or 0
for name, text in pairs(share) do
  local mine, mine_bytes = share_in(not was_empty and text)
  share[name] = {entries = mine, bytes = mine_bytes}
end

local function is_unchanged(put)
  local merged, ms = string.match(last[put.node] or '', '^(%x+) (%d+)$')
  local age = merged == put.digest and tonumber(now_ms) - tonumber(ms)
  return age and age >= 0 and age < tonumber(unchanged_ms)
end

local known, new = nil, 0 -- nodes
local function judge(put)
  if put.version ~= version then return 'stale' end
  if seen[put.item] then return 'duplicate' end
  if put.digest ~= '' and is_unchanged(put) then return 'unchanged' end
  local room, space, len = entries_max - entries, bytes_max - bytes, #put.envelope
  if room < 1 or space < len then return 'full' end
  local mine = share[put.sealed_for]
  if mine.entries > 0 then
    local most = math.min(tonumber(node_entries_max), room / tonumber(node_part))
    local most_bytes = math.min(tonumber(node_bytes_max), space / tonumber(node_part))
    if mine.entries >= most or mine.bytes + len > most_bytes then return 'share' end
  end
  if not contact[put.node] and put.newcomer ~= 'always' and not last[put.node] then
    known = known or redis.call('HLEN', contacts)
    if known + new >= tonumber(names_max) then return 'names' end
    if put.newcomer ~= 'yes' then return 'late' end
    return 'welcome'
  end
  return 'queued'
end

local answers, accepted = {}, {}
for i, put in ipairs(puts) do
  answers[i] = judge(put)
  if answers[i] == 'queued' or answers[i] == 'welcome' then
    local mine, len = share[put.sealed_for], #put.envelope
    accepted[#accepted + 1], seen[put.item] = put, true
    entries, bytes = entries + 1, bytes + len
    if put.sealed_for ~= '' then mine.entries, mine.bytes = mine.entries + 1, mine.bytes + len end
    if put.table ~= '' then last[put.node] = 'queued' end
    if not contact[put.node] then contact[put.node], new = true, new + 1 end
  end
end
if #accepted == 0 then return answers end

local function set_all(hash, fields)
  if #fields > 0 then redis.call('HSET', hash, unpack(fields)) end
end
local function append(list, field, value)
  list[#list + 1], list[#list + 2] = field, value
end

if was_empty then redis.call('DEL', shares) end
local tables, used, seen_at = {}, {}, {}
for _, put in ipairs(accepted) do
  local id = redis.call('XADD', stream, '*', 'e', put.envelope, 'm', put.mode)
  local mine = share[put.sealed_for]
  if put.table ~= '' then append(tables, put.node, 'queued ' .. put.table .. ' ' .. id) end
  if put.sealed_for ~= '' then append(used, put.sealed_for, share_text(mine.entries, mine.bytes)) end
  append(seen_at, put.node, now_ms .. ' ' .. put.mode)
end
redis.call('SET', bytes_key, string.format('%d', bytes))
set_all(digests, tables)
set_all(shares, used)
set_all(contacts, seen_at)

local new_ids = {}
local function add_ids()
  if #new_ids > 0 then redis.call('SADD', ids, unpack(new_ids)) end
  new_ids = {}
end
local function begin_ids()
  add_ids()
  redis.call('UNLINK', ids_old)
  if ids_count > 0 then redis.call('RENAME', ids, ids_old) end
  redis.call('DEL', ids_nodes)
  redis.call('HSET', ids_nodes, '', now_s)
  ids_count, ids_of = 0, {}
end
if not ids_since or now_s < ids_since or now_s - ids_since >= tonumber(ids_ttl_s) then
  begin_ids()
end
for _, put in ipairs(accepted) do
  local count = tonumber(ids_of[put.node] or 0) + 1
  ids_of[put.node] = count
  if count <= node_ids_max then
    new_ids[#new_ids + 1], ids_count = put.item, ids_count + 1
    if ids_count >= ids_max then begin_ids() end
  end
end
add_ids()
local counts = {}
for _, put in ipairs(accepted) do
  if ids_of[put.node] then append(counts, put.node, ids_of[put.node]) end
end
set_all(ids_nodes, counts)
return answers
