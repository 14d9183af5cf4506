#!lua
-- SPDX-License-Identifier: Apache-2.0
-- KEYS: all that queueing and merging use; ARGV: of each the type it must have.
--
-- Writes nothing, but has no flag that says so: Redis refuses it wherever it would refuse a script
-- that writes (full, a replica, unable to write its file, short of replicas, keys of other slots).
-- Answers a key that is of another type, with both types, or a command that the user may not run.
for i, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= 'none' and type ~= ARGV[i] then return {key, type, ARGV[i]} end
end
local key = KEYS[1]
for _, command in ipairs({{'XADD', key, '*', 'e', '', 'm', ''}, {'XLEN', key}, {'SET', key, 0},
  {'GET', key}, {'DEL', key}, {'UNLINK', key}, {'RENAME', key, key}, {'SADD', key, ''},
  {'SISMEMBER', key, ''}, {'SCARD', key}, {'HGET', key, ''}, {'HSET', key, '', ''},
  {'HDEL', key, ''}, {'HEXISTS', key, ''}, {'HLEN', key}, {'HMGET', key, ''},
  {'HINCRBY', key, '', 1}, {'TIME'}}) do
  if not redis.acl_check_cmd(unpack(command)) then return {command[1]} end
end
return {}
