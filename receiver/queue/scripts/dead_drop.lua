#!lua flags=allow-oom
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include dead_letter_shares
-- Deletes a dead letter. Replies done or missing.
local dead, dead_bytes, dead_shares = unpack(KEYS)
local id = unpack(ARGV)

local letter = redis.call('XRANGE', dead, id, id)[1]
if not letter then return 'missing' end
redis.call('XDEL', dead, id)
redis.call('DECRBY', dead_bytes, #letter[2][2])
remove_from_dead_share(dead_shares, letter[2])
return 'done'
