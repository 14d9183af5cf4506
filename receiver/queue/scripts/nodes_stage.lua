#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Adds a piece of a list to the staging key, whose field of the empty name holds the owner.
-- first: '1' begins a list and discards another owner's.
-- ARGV from the third on: names and records alternately. Replies done, or other: another publisher
-- has begun a list meanwhile.
local staging = unpack(KEYS)
local owner, first = unpack(ARGV)

if first == '1' then
  redis.call('UNLINK', staging)
  redis.call('HSET', staging, '', owner)
elseif redis.call('HGET', staging, '') ~= owner then
  return 'other'
end
if #ARGV > 2 then redis.call('HSET', staging, unpack(ARGV, 3)) end
return 'done'
