#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- ARGV: fields of a hash, each with its value. Removes those that still have it.
local reported = unpack(KEYS)

for i = 1, #ARGV, 2 do
  if redis.call('HGET', reported, ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', reported, ARGV[i])
  end
end
return 'done'
