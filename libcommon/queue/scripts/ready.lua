#!lua
-- SPDX-License-Identifier: Apache-2.0
-- KEYS: all keys that queueing and merging use; ARGV: the type that each must have.
--
-- Writes nothing, but does not have the flag no-writes: Redis refuses it whenever it would refuse a
-- script that writes (full, a replica, unable to write its file, too few replicas, keys of several
-- slots). Replies a key of the wrong type with both types, or a command that the user may not run,
-- or an empty list.
for i, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= 'none' and type ~= ARGV[i] then return {key, type, ARGV[i]} end
end
local key = KEYS[1]
for _, command in ipairs({{'XADD', key, '*', 'e', '', 'm', ''}, {'XLEN', key}, {'SET', key, 0},
  {'GET', key}, {'DEL', key}, {'UNLINK', key}, {'RENAME', key, key}, {'SADD', key, ''},
  {'SMISMEMBER', key, ''}, {'SCARD', key}, {'HGET', key, ''}, {'HSET', key, '', ''},
  {'HDEL', key, ''}, {'HEXISTS', key, ''}, {'HLEN', key}, {'HMGET', key, ''},
  {'HINCRBY', key, '', 1}, {'TIME'}}) do
  if not redis.acl_check_cmd(unpack(command)) then return {command[1]} end
end
return {}
