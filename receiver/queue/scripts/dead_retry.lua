#!lua
-- SPDX-License-Identifier: Apache-2.0
-- include node_of
-- include share_text
-- include node_shares
-- include dead_letter_shares
-- include dead_letter_retry
-- Moves a dead letter back into the queue. Replies done, missing or full.
local stream, bytes, dead, dead_bytes, shares, dead_shares, digests = unpack(KEYS)
local id, entries_max, bytes_max = unpack(ARGV)

local letter = redis.call('XRANGE', dead, id, id)[1]
if not letter then return 'missing' end
local to = {stream = stream, bytes = bytes, dead = dead, dead_bytes = dead_bytes, shares = shares,
  dead_shares = dead_shares, digests = digests, entries_max = entries_max, bytes_max = bytes_max}
return retry_letter(to, letter) and 'done' or 'full'
