#!lua
-- SPDX-License-Identifier: Apache-2.0
-- Records reports about nodes, each a group of arguments:
--
-- contact        '' or the value of a contact, also of a node that is not known yet
-- agent          '' or its agent, see PROTOCOL.md
-- instance       '' or the instance that sent the request. If instances alternate within window_ms,
--                `conflict` is recorded; if instance is '', it is recorded at once
-- problem        '' or the value of a problem
--
-- reports_max    problems of known nodes, at most
-- strangers_max  from this number on, no problems of unknown nodes are recorded
--
-- Returns the numbers, from 1, of the groups whose node's instances alternate.
local contacts, nodes, agents, problems, conflicts, instances = unpack(KEYS)
local names_max, reports_max, strangers_max, window_ms, now_ms = unpack(ARGV, 1, 5)

local function is_recent(ms)
  local age = ms and tonumber(now_ms) - tonumber(ms)
  return age and age >= 0 and age < tonumber(window_ms)
end

-- Returns whether the node's instances alternate.
local function put_instance(node, instance, conflict)
  local current, since, last, last_ms, shared_ms =
    string.match(redis.call('HGET', instances, node) or '', '^(%S+) (%d+) (%S+) (%d+) ?(%d*)$')
  if current ~= instance then
    if last == instance and is_recent(last_ms) then
      redis.call('HSET', conflicts, node, now_ms .. ' ' .. conflict)
      shared_ms = now_ms
    end
    last, last_ms = current or '-', since or '0'
  end
  local shared = shared_ms and shared_ms ~= '' and is_recent(shared_ms)
  local value = instance .. ' ' .. now_ms .. ' ' .. last .. ' ' .. last_ms
  redis.call('HSET', instances, node, shared and value .. ' ' .. shared_ms or value)
  return shared
end

local shared = {}
for i = 6, #ARGV, 6 do
  local node, contact, agent, instance, conflict, problem = unpack(ARGV, i, i + 5)
  local known = redis.call('HEXISTS', contacts, node) == 1
    or redis.call('HEXISTS', nodes, node) == 1
  if contact ~= '' and (known or redis.call('HLEN', contacts) < tonumber(names_max)) then
    redis.call('HSET', contacts, node, contact)
    known = true
  end
  if known and agent ~= '' then redis.call('HSET', agents, node, agent) end
  if known and instance ~= '' then
    if put_instance(node, instance, conflict) then shared[#shared + 1] = (i - 6) / 6 + 1 end
  elseif conflict ~= '' and known then
    redis.call('HSET', conflicts, node, now_ms .. ' ' .. conflict)
  end
  if problem ~= '' then
    local most = tonumber(known and reports_max or strangers_max)
    if redis.call('HEXISTS', problems, node) == 1 or redis.call('HLEN', problems) < most then
      redis.call('HSET', problems, node, problem)
    end
  end
end
return shared
