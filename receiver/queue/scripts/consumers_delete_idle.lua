#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- Deletes consumers that have no pending entries and were idle for idle_ms: a receiver that was
-- killed leaves its name behind. Redis creates a consumer again when it returns.
local stream = unpack(KEYS)
local group, idle_ms = unpack(ARGV)

for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local consumer = {}
  for i = 1, #info, 2 do consumer[info[i]] = info[i + 1] end
  if consumer.pending == 0 and consumer.idle > tonumber(idle_ms) then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer.name)
  end
end
return 'done'
